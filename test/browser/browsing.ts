/** A browser on a screen of its own, for a test: keys go in by name, and the test waits for what it wants to see. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sandbox, SandboxUrl } from "../../fixtures/servers/sandbox.js";
import { usualBindings } from "../../src/browser/bindings.js";
import { Browser, type BrowserSettings } from "../../src/browser/browser.js";
import type { Input } from "../../src/browser/screen.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Target } from "../../src/plugin.js";
import { FakeScreen } from "./fake-screen.js";

// What pages are made with is loaded when the first one is: compiling it would count as waiting.
import "../../src/browser/png.js";
import "../../src/message/render.js";
import "../../src/text/html.js";
import "../../src/text/html-document.js";

/**
 * Has the code of the sandbox's protocols compiled, by opening each of its places once. Vitest compiles what is asked
 * for when it is asked for; on a machine with much else to do that takes longer than a test waits for a page.
 */
export async function compiled(sandbox: Sandbox): Promise<void> {
  const places: readonly SandboxUrl[] = [...sandbox.urls, { name: "file", url: "./" }];
  for (const { url, user = "", password = "" } of places) {
    const client = new Client({ credentials: async () => ({ user, password, kind: "password" }) });
    const target = client.target(url);
    // TLS is Node's own.
    if (target.tls === "always") continue;
    await client.use(target, async (session) => {
      for await (const _entry of session.list?.(target.path, { limit: 1 }) ?? []) break;
      // A folder cannot be read everywhere, which is found out by the same code.
      const document = await session.read?.(target.path).catch(() => undefined);
      document?.body.destroy();
    });
  }
}

export interface BrowsingOptions {
  readonly url?: string;
  readonly columns?: number;
  readonly rows?: number;
  readonly client?: ClientSettings;
  readonly settings?: Partial<BrowserSettings>;
}

export class Browsing implements AsyncDisposable {
  readonly screen: FakeScreen;
  readonly browser: Browser;
  readonly folder: string;
  /** Sessions that were given the screen. */
  readonly conversations: Target[] = [];
  readonly over: Promise<void>;

  private constructor(folder: string, options: BrowsingOptions) {
    this.folder = folder;
    this.screen = new FakeScreen(options.columns, options.rows);
    const client = new Client({
      ...options.client,
      warn: (text) => this.browser.tell(text),
      confirm: (question) => this.browser.confirm(question),
      credentials: async (target, required) =>
        required ? this.browser.credentials(target, target.url.user) : undefined,
    });
    this.browser = new Browser({
      screen: this.screen,
      doors: client,
      bindings: usualBindings(),
      theme: "dark",
      bookmarks: join(folder, "bookmarks"),
      history: join(folder, "history"),
      folder,
      start: [],
      converse: async (target) => {
        this.conversations.push(target);
      },
      ...options.settings,
    });
    this.over = this.browser.run(options.url);
  }

  static async open(options: BrowsingOptions = {}): Promise<Browsing> {
    return new Browsing(await mkdtemp(join(tmpdir(), "porthole-browser-")), options);
  }

  /** Presses keys by name; what is longer than a key and no name is typed letter by letter. */
  press(...keys: readonly string[]): void {
    for (const key of keys) for (const input of inputsOf(key)) this.browser.input(input);
  }

  /** @throws Error with what is seen instead */
  async sees(wanted: string | RegExp, ms = 5000): Promise<string> {
    const deadline = performance.now() + ms;
    for (;;) {
      const { text } = this.screen;
      if (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text)) return text;
      if (performance.now() > deadline) throw new Error(`${String(wanted)} is not on the screen:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.browser.quit();
    await this.over;
    await rm(this.folder, { recursive: true, force: true });
  }
}

const NAMES =
  /^(?:[CMS]-.+|Enter|Escape|Tab|Space|Backspace|Delete|Up|Down|Left|Right|Home|End|Page(?:Up|Down)|F\d)$/;

function inputsOf(key: string): Input[] {
  if (NAMES.test(key)) return [{ kind: "key", key }];
  return Array.from(key, (character) => ({ kind: "key", key: character === " " ? "Space" : character }));
}
