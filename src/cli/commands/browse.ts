/** `porthole browse [URL]`: the full-screen browser on this terminal. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseBindings, usualBindings } from "../../browser/bindings.js";
import { Browser } from "../../browser/browser.js";
import { GRAPHICS_KINDS } from "../../browser/graphics.js";
import type { StartGroup } from "../../browser/own-pages.js";
import type { ThemeName } from "../../browser/theme.js";
import { usualConfigPath } from "../../config.js";
import { localError, PortholeError, systemCode } from "../../errors.js";
import type { Target } from "../../plugin.js";
import { colorMode, wantsColor } from "../colors.js";
import type { Desk } from "../command.js";
import { FullScreen } from "../full-screen.js";
import { noticeOfSandbox } from "../sandbox-notice.js";
import { stateFolder } from "../state-folder.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { terminal, words, options } = desk;
  const [url, ...more] = words;
  if (more.length > 0) {
    throw new PortholeError("usage", "browse wants one URL, or none", { hint: "porthole browse [URL]" });
  }
  // A word that is no URL is said here, before the screen changes.
  if (url !== undefined) desk.client.require(desk.client.target(url), "browse", ["ls", "get", "interact"]);
  using screen = new FullScreen(terminal, {
    mouse: options["mouse"] !== false,
    pictures:
      GRAPHICS_KINDS.find((kind) => kind === options["pictures"]) ??
      (options["pictures"] === "blocks" ? "blocks" : "auto"),
  });
  const folder = dirname(usualConfigPath(terminal.environment));
  const state = stateFolder(terminal.environment);
  const client = desk.client.with({
    warn: (text) => browser.tell(text),
    confirm: (question) => browser.confirm(question),
    progress: () => undefined,
    credentials: async (target, required) => {
      const silent = await desk.credentials(target, false);
      return silent === undefined && required ? browser.credentials(target, target.url.user) : silent;
    },
  });
  const browser: Browser = new Browser({
    screen,
    doors: client,
    bindings: await bindingsOf(join(folder, "keys")),
    theme: themeOf(desk),
    bookmarks: join(folder, "bookmarks"),
    history: options["keep-history"] === false ? undefined : join(state, "history"),
    folder: typeof options["directory"] === "string" ? options["directory"] : ".",
    start: await startGroups(desk, state),
    converse: async (target) => {
      screen.leave();
      try {
        await converse(desk, target);
      } finally {
        screen.enter(browser);
      }
    },
    suspend: () => screen.suspend(),
  });
  const leave = () => browser.quit();
  desk.signal.addEventListener("abort", leave, { once: true });
  try {
    screen.enter(browser);
    if (!desk.signal.aborted) await browser.run(url);
  } finally {
    desk.signal.removeEventListener("abort", leave);
    screen.leave();
  }
  // Told when the terminal is as it was: a signal has its exit status, as with every other verb.
  if (desk.signal.aborted) throw desk.signal.reason;
  return undefined;
}

/** A session has the terminal to itself; its last words are read before the browser comes back. */
async function converse(desk: Desk, target: Target): Promise<void> {
  const { interact } = await import("../interactive.js");
  await desk.client.use(target, (session) => interact(desk, session, target));
}

/** The person's own keys. @throws PortholeError `usage` for a line that is none, `local` */
async function bindingsOf(path: string) {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return usualBindings();
    throw localError(thrown, path);
  }
  return parseBindings(text, path);
}

function themeOf({ options, terminal }: Desk): ThemeName {
  if (!wantsColor(colorMode(options["color"]) ?? "auto", terminal.environment, terminal.outputIsTerminal)) {
    return "plain";
  }
  const given = options["theme"];
  if (given === "dark" || given === "light" || given === "plain") return given;
  // Terminals that tell their colours do it so: `0;15` is black on white.
  const background = /;(\d+)$/.exec(terminal.environment["COLORFGBG"] ?? "")?.[1];
  return background === "7" || background === "15" ? "light" : "dark";
}

async function startGroups(desk: Desk, state: string): Promise<StartGroup[]> {
  const accounts = [...desk.config.accounts.values()].map(({ name }) => ({ url: `@${name}`, name }));
  const readable = (url: string) => {
    try {
      desk.client.require(desk.client.target(url), "browse", ["ls", "get", "interact"]);
      return true;
    } catch {
      return false;
    }
  };
  const { places, hint } = await noticeOfSandbox(state);
  return [
    { title: "Accounts", places: accounts.filter(({ url }) => readable(url)) },
    {
      title: `The sandbox on this machine${hint === "" ? "" : ` (${hint})`}`,
      places: places.filter(({ url }) => readable(url)),
    },
    { title: "On this machine", places: [{ url: "./", name: "this folder" }] },
  ];
}
