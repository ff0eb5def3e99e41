/** What goes up with a request, and whether it can go up once more when the server wants a login or another place. */
import { PortholeError } from "../../src/errors.js";
import type { Source } from "../../src/plugin.js";
import type { RequestBody } from "./engine.js";

/** Up to so many octets are held, to be sent as often as it takes. */
const HELD = 64 * 1024;

/** `repeatable`: its body can be iterated again from the start, as a file can. */
export type UploadSource = Source & { readonly repeatable?: boolean };

/** Told of the octets of a streamed body so far, and in all where that is known. */
export type UploadProgress = (done: number, total: number | undefined) => void;

export class Upload {
  readonly #source: UploadSource;
  /** All of it, when it is small. */
  readonly held: Buffer | undefined;
  readonly #progress: UploadProgress | undefined;
  #begun = false;
  /** Octets that went out the last time. */
  sent = 0;

  private constructor(source: UploadSource, held: Buffer | undefined, progress?: UploadProgress) {
    this.#source = source;
    this.#progress = progress;
    this.held = held;
  }

  /** @throws PortholeError `local` when a small source has not the size it said, and what the source throws */
  static async of(source: UploadSource, progress?: UploadProgress): Promise<Upload> {
    if (source.size === undefined || source.size > HELD) return new Upload(source, undefined, progress);
    const pieces: Uint8Array[] = [];
    for await (const piece of measured(source)) pieces.push(piece);
    return new Upload(source, Buffer.concat(pieces));
  }

  /** It can be sent (again): it is held, or nothing has been taken from the source yet. */
  get ready(): boolean {
    return this.held !== undefined || this.#source.repeatable === true || !this.#begun;
  }

  body(): RequestBody {
    const { size } = this.#source;
    return {
      octets: { [Symbol.asyncIterator]: () => this.#octets() },
      ...(size === undefined ? {} : { size }),
      awaitsConsent: this.held === undefined,
      repeatable: this.held !== undefined,
    };
  }

  async *#octets(): AsyncGenerator<Uint8Array> {
    this.#begun = true;
    this.sent = 0;
    const whole = this.held === undefined ? measured(this.#source) : this.held.length > 0 ? [this.held] : [];
    for await (const piece of whole) {
      this.sent += piece.length;
      this.#progress?.(this.sent, this.#source.size);
      yield piece;
    }
  }
}

/** A request that announces more octets than come would leave the server waiting; one with more breaks the next. */
async function* measured({ body, size }: Source): AsyncGenerator<Uint8Array> {
  let octets = 0;
  for await (const piece of body) {
    octets += piece.length;
    if (size !== undefined && octets > size) throw otherSize(size, `at least ${octets}`);
    yield piece;
  }
  if (size !== undefined && octets < size) throw otherSize(size, `only ${octets}`);
}

function otherSize(size: number, found: string): PortholeError {
  return new PortholeError("local", `${size} octets were to be sent, and there were ${found}`, {
    hint: "did the file change meanwhile?",
  });
}
