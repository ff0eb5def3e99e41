/** What the browser draws on and hears from. The command line has a terminal behind it, a test an array of rows. */

import type { Graphics } from "./graphics.js";

export interface BrowserScreen {
  readonly columns: number;
  readonly rows: number;
  /** How it shows pictures, as far as that is known; absent: it has characters alone. */
  readonly graphics?: Graphics | undefined;
  /** Finds out about `graphics`: who draws on it is told later, when there is something to tell. */
  wantGraphics?(): void;
  /** Text and sequences made by the browser alone; nothing of a server's goes there unchanged. */
  write(text: string): void;
}

/** What a person did. */
export type Input =
  /** A key by its name (`a`, `Enter`, `Left`, `C-r`, `M-1`), or text pasted in one piece. */
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "paste"; readonly text: string }
  /** From 1. */
  | {
      readonly kind: "mouse";
      readonly action: "press" | "middle" | "back" | "forward" | "wheel-up" | "wheel-down";
      readonly column: number;
      readonly row: number;
    };
