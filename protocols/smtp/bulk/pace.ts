/** So many in a time, one after the other at even distances. */
import { setTimeout as sleep } from "node:timers/promises";
import { abortReason, PortholeError } from "../../../src/errors.js";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

export class Pace {
  /** Milliseconds between two. */
  readonly #distance: number;
  #next = 0;

  constructor(perSecond: number) {
    this.#distance = 1000 / perSecond;
  }

  /** `10`, `10/s`, `300/m`, `5000/h`, `100000/d`. @throws PortholeError `usage` */
  static parse(text: string, flag: string): Pace {
    const [, count = "", unit = "s"] = /^(\d{1,9}(?:\.\d+)?)(?:\/([smhd]))?$/.exec(text.trim()) ?? [];
    const perSecond = Number(count) / (SECONDS[unit] ?? 1);
    if (count === "" || !(perSecond > 0)) {
      throw new PortholeError("usage", `--${flag} cannot be '${text}'`, {
        hint: "write 10/s, 300/m or 5000/h",
      });
    }
    return new Pace(perSecond);
  }

  /** Waits for this one's turn. @throws the signal's reason */
  async turn(signal: AbortSignal): Promise<void> {
    const now = performance.now();
    const at = Math.max(now, this.#next);
    this.#next = at + this.#distance;
    if (at > now) await rest(at - now, signal);
  }
}

/** @throws the signal's reason */
export async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    // A timer takes 32 bits.
    await sleep(Math.min(milliseconds, 2 ** 31 - 1), undefined, { signal });
  } catch {
    throw abortReason(signal);
  }
}
