/** What is being saved while the person reads on. */
import { messageOf } from "../errors.js";
import type { Target } from "../plugin.js";
import { safeLine } from "../text/safe.js";
import { humanSize } from "../text/units.js";
import type { Doors } from "../verbs/doors.js";
import { saveDocument } from "../verbs/save.js";
import { isRefusedLogin } from "./logins.js";

export interface Download {
  readonly url: string;
  readonly path: string;
  done: number;
  total: number | undefined;
  state: "running" | "done" | "failed";
  words: string;
}

export class Downloads {
  readonly list: Download[] = [];
  /** Grows with all that happens to them. */
  changes = 0;
  readonly #doors: Doors;
  readonly #changed: () => void;
  readonly #refused: (target: Target) => void;
  readonly #leave = new AbortController();

  /** @param refused told when a place would not have what it was to be logged in with */
  constructor(doors: Doors, changed: () => void, refused: (target: Target) => void) {
    this.#doors = doors;
    this.#changed = () => {
      this.changes += 1;
      changed();
    };
    this.#refused = refused;
  }

  get running(): number {
    return this.list.filter(({ state }) => state === "running").length;
  }

  /** One line about what is under way; empty when nothing is. */
  get status(): string {
    const running = this.list.filter(({ state }) => state === "running");
    const [first] = running;
    if (first === undefined) return "";
    return running.length === 1
      ? `saving ${nameOf(first)} ${progressOf(first)}`
      : `saving ${running.length} files`;
  }

  /** Saves it by a session of its own; never throws. */
  async start(target: Target, path: string, replace: boolean): Promise<Download> {
    const download: Download = {
      url: target.href(target.path),
      path,
      done: 0,
      total: undefined,
      state: "running",
      words: "",
    };
    this.list.push(download);
    this.#changed();
    try {
      const session = await this.#doors.open(target, this.#leave.signal);
      try {
        const saved = await saveDocument({
          url: download.url,
          path,
          read: (query) => {
            if (session.read === undefined) throw new Error("there is nothing to read here");
            return session.read(target.path, query);
          },
          replace,
          resume: true,
          signal: this.#leave.signal,
          progress: ({ done, total }) => {
            download.done = done;
            download.total = total;
            this.#changed();
          },
        });
        download.done = saved.size;
        download.state = "done";
      } finally {
        await session[Symbol.asyncDispose]();
      }
    } catch (thrown) {
      download.state = download.state === "done" ? "done" : "failed";
      download.words = safeLine(messageOf(thrown));
      if (isRefusedLogin(thrown)) this.#refused(target);
    }
    this.#changed();
    return download;
  }

  /** Ends what is under way; partial copies stay, to be continued. */
  stop(): void {
    this.#leave.abort();
  }
}

/** `34% 1.2M`. */
export function progressOf({ done, total }: Download): string {
  const share = total === undefined || total === 0 ? "" : `${Math.floor((100 * done) / total)}% `;
  return `${share}${humanSize(done)}`;
}

function nameOf({ path }: Download): string {
  return safeLine(path.split("/").at(-1) ?? path);
}
