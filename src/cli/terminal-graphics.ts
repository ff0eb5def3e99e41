/**
 * How this terminal shows pictures. Most is known from its environment; sixels are asked for, and nobody waits for the
 * answer: until it comes, and where none comes, pictures are made of characters.
 */

import { type Graphics, type GraphicsKind, USUAL_CELL } from "../browser/graphics.js";
import type { Report } from "../browser/keys.js";
import type { Cell } from "../browser/picture.js";

/** What a cell has in pixels, and what the terminal can do (DA1): every terminal knows the second. */
export const QUESTIONS = "\x1b[16t\x1b[c";
/** DA1 says 4 for sixels. */
const SIXELS = 4;
/** CSI 6 ; height ; width t. */
const CELL_SIZE = 6;
/** More is a mistake. */
const LARGEST_CELL = 200;

type Wish = GraphicsKind | "blocks" | "auto";

export class TerminalGraphics {
  readonly #wish: Wish;
  #kind: GraphicsKind | undefined;
  #cell: Cell | undefined;
  #asked = false;

  constructor(wish: Wish, environment: NodeJS.ProcessEnv) {
    this.#wish = wish;
    this.#kind = wish === "auto" ? kindFrom(environment) : wish === "blocks" ? undefined : wish;
  }

  /** Undefined while it is not known to show any. */
  get graphics(): Graphics | undefined {
    if (this.#kind === undefined) return undefined;
    return { kind: this.#kind, cell: this.#cell ?? USUAL_CELL };
  }

  /** What to ask the terminal; empty when there is nothing to ask, or it was asked already. */
  question(): string {
    if (this.#asked || this.#wish !== "auto" || this.#kind !== undefined) return "";
    this.#asked = true;
    return QUESTIONS;
  }

  /** @returns whether something is known now that was not */
  take({ report, numbers }: Report): boolean {
    if (!this.#asked) return false;
    if (report === "size") {
      const [what, height = 0, width = 0] = numbers;
      if (what === CELL_SIZE && isSize(height) && isSize(width)) this.#cell = { width, height };
      return false;
    }
    // Without the size of a cell nobody knows how far down sixels would reach.
    if (this.#kind !== undefined || this.#cell === undefined || !numbers.slice(1).includes(SIXELS))
      return false;
    this.#kind = "sixel";
    return true;
  }
}

function isSize(pixels: number): boolean {
  return Number.isInteger(pixels) && pixels > 1 && pixels <= LARGEST_CELL;
}

/** tmux and screen stand between, and pass on what is theirs alone. */
function kindFrom(environment: NodeJS.ProcessEnv): GraphicsKind | undefined {
  const term = environment["TERM"] ?? "";
  const program = environment["TERM_PROGRAM"] ?? environment["LC_TERMINAL"] ?? "";
  if (
    environment["TMUX"] !== undefined ||
    environment["STY"] !== undefined ||
    /^(?:screen|tmux)/.test(term)
  ) {
    return undefined;
  }
  if (/^xterm-(?:kitty|ghostty)$/.test(term) || /^ghostty$/i.test(program)) return "kitty";
  return /^(?:iTerm\.app|iTerm2|WezTerm)$/.test(program) ? "iterm" : undefined;
}
