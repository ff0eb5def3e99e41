/** Sessions kept open from page to page: the next folder of an FTP server needs no new login. */
import { PortholeError } from "../errors.js";
import type { Session, Target } from "../plugin.js";
import type { Doors } from "../verbs/doors.js";

/** Sessions that wait for the next page. */
const MOST_IDLE = 4;
/** Milliseconds after which one that nobody wants any more is closed. */
const IDLE_LIMIT = 60_000;

export interface Lease {
  readonly session: Session;
  /** It has waited since an earlier page: the server may have closed it since. */
  readonly waited: boolean;
  /** Back to the others when it is well; otherwise closed at once. */
  release(well: boolean): void;
}

interface Waiting {
  readonly key: string;
  readonly session: Session;
  readonly life: AbortController;
  readonly timer: NodeJS.Timeout;
}

export class Sessions implements AsyncDisposable {
  readonly #doors: Doors;
  #waiting: Waiting[] = [];

  constructor(doors: Doors) {
    this.#doors = doors;
  }

  /**
   * A session at the target's place, for one task. Fires `signal`, and it is left at once.
   * @param fresh none that has waited
   * @throws PortholeError as `Doors.open` does
   */
  async take(target: Target, signal: AbortSignal, fresh = false): Promise<Lease> {
    const key = placeOf(target);
    const at = fresh ? -1 : this.#waiting.findIndex((one) => one.key === key);
    const found = at < 0 ? undefined : this.#waiting.splice(at, 1)[0];
    const life = found?.life ?? new AbortController();
    clearTimeout(found?.timer);
    const leave = () => life.abort(new PortholeError("aborted", "the page was left"));
    signal.addEventListener("abort", leave, { once: true });
    const session = found?.session ?? (await this.#doors.open(target, life.signal));
    return {
      session,
      waited: found !== undefined,
      release: (well) => {
        signal.removeEventListener("abort", leave);
        if (well && !signal.aborted && key !== "") this.#keep(key, session, life);
        else void close(session);
      },
    };
  }

  #keep(key: string, session: Session, life: AbortController): void {
    const timer = setTimeout(() => {
      this.#waiting = this.#waiting.filter((one) => one.timer !== timer);
      void close(session);
    }, IDLE_LIMIT);
    timer.unref();
    this.#waiting.push({ key, session, life, timer });
    if (this.#waiting.length > MOST_IDLE) {
      const oldest = this.#waiting.shift();
      clearTimeout(oldest?.timer);
      if (oldest !== undefined) void close(oldest.session);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { timer } of waiting) clearTimeout(timer);
    await Promise.all(waiting.map(({ session }) => close(session)));
  }
}

/** What the target's session can be used for again; empty for what has no host, such as a Maildir. */
function placeOf({ protocol, url, host, port }: Target): string {
  if (host === "" || protocol === "local") return "";
  return JSON.stringify([protocol, url.scheme, url.user ?? "", url.password ?? "", host, port]);
}

async function close(session: Session): Promise<void> {
  try {
    await session[Symbol.asyncDispose]();
  } catch {
    // Whoever used it has had its errors; saying goodbye may fail.
  }
}
