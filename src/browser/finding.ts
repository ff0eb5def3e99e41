/** Words that are looked for on a page. */
import { safeLine } from "../text/safe.js";
import type { Asking } from "./asking.js";
import { showLine } from "./moving.js";
import type { Visit } from "./tab.js";
import { lineWith } from "./view.js";

const REMEMBERED = 100;

export class Finding {
  readonly #tell: (words: string) => void;
  readonly #moved: () => void;
  #words: string[] = [];

  /** @param moved called when the page stands elsewhere */
  constructor(tell: (words: string) => void, moved: () => void) {
    this.#tell = tell;
    this.#moved = moved;
  }

  /** Asks for the words; without any they are those before. */
  async ask(asking: Asking, visit: Visit | undefined): Promise<void> {
    const words = await asking.line("/", { memory: this.#words });
    if (words === undefined || visit === undefined) return;
    if (words !== "") this.#words = [...this.#words.filter((one) => one !== words), words].slice(-REMEMBERED);
    visit.found = words === "" ? (this.#words.at(-1) ?? "") : words;
    this.#show(visit, lineWith(visit.page, visit.found, topLine(visit) - 1, 1));
  }

  /** The next place, or the one before. */
  from(visit: Visit | undefined, step: 1 | -1): void {
    if (visit === undefined) return;
    if (visit.found === "") visit.found = this.#words.at(-1) ?? "";
    if (visit.found === "") this.#tell("look for words with / first");
    else this.#show(visit, lineWith(visit.page, visit.found, topLine(visit), step));
  }

  #show(visit: Visit, line: number | undefined): void {
    if (line === undefined) this.#tell(`'${safeLine(visit.found)}' is not on this page`);
    else {
      showLine(visit, line);
      this.#moved();
    }
  }
}

function topLine({ layout, top }: Visit): number {
  return layout.rows[top]?.line ?? 0;
}
