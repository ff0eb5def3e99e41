/** A walk through a Gopher server in the built browser, on a real terminal: menu, search, text, picture, and back. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodePng } from "../../src/browser/png-writer.js";
import { Screen } from "../cli/on-a-screen.js";
import { PROGRAM } from "../cli/program/program.js";

/** What a server has for it: a menu, a text with lone dots, a picture. The search is each server's own affair. */
export const WALK_MAP = (search: string) =>
  ["The harbour", "", "0A text\ttext.txt", "IA lamp\tlamp.png", `7Find\t${search}`, ""].join("\n");
export const WALK_TEXT = "One\n.\n..two\nThe end.\n";
/** Red above, blue below. */
export const LAMP = encodePng({
  width: 8,
  height: 4,
  rgb: Uint8Array.from({ length: 8 * 4 * 3 }, (_, at) => (at % 3 === (at < 48 ? 0 : 2) ? 255 : 0)),
});

export interface Walked {
  readonly menu: string;
  readonly found: string;
  readonly text: string;
  readonly named: string;
  readonly picture: string;
  readonly back: string;
  /** The terminal afterwards. */
  readonly after: string;
}

/** @param url the menu made of WALK_MAP */
export async function walked(url: string): Promise<Walked> {
  const home = await mkdtemp(join(tmpdir(), "porthole-walk-"));
  try {
    await using screen = await Screen.open(
      `echo before; ${process.execPath} ${PROGRAM} browse ${url}; echo "status $?"; stty -a | grep -o '[-]*echo '`,
      { HOME: home, XDG_STATE_HOME: home, TERM: "xterm-256color", TZ: "UTC", LANG: "C.UTF-8" },
    );
    await screen.resize(80, 14);
    const shows = async (wanted: string | RegExp) => settled(await screen.shows(wanted));
    const menu = await shows(/Find[\s\S]*100%/);
    await screen.type("3");
    await screen.shows(/^Find:/m);
    await screen.type("fog horn", "Enter");
    const found = await shows(/Found fog horn[\s\S]*100%/);
    await screen.type("Enter");
    const text = await shows(/The end\.[\s\S]*100%/);
    await screen.type("Left");
    await shows(/Found fog horn[\s\S]*100%/);
    await screen.type("Left");
    await shows(/The harbour[\s\S]*100%/);
    await screen.type("2");
    const named = await shows("nothing of it has been fetched");
    await screen.type("I");
    const picture = await shows("▀▀▀▀▀▀▀▀");
    await screen.type("h");
    const back = await shows(/The harbour[\s\S]*100%/);
    await screen.type("q");
    const after = await shows(/status 0[\s\S]*echo/);
    return { menu, found, text, named, picture, back, after };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Ports differ from run to run. */
function settled(text: string): string {
  return text.replace(/(?:127\.0\.0\.1|localhost):\d+/g, "HOST").replace(/ +$/gm, "");
}

/** The bar and the page, without what is empty at its end and the status line. */
export function rowsOf(screen: string): string[] {
  return screen.split("\n").slice(0, -1).join("\n").trimEnd().split("\n");
}
