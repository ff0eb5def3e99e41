/**
 * What went over the wire, in order, with times: the source of -v, --trace and --record.
 *
 * Connections report octets; sinks get them line by line with every known secret masked. Without a sink a
 * transcript costs nothing.
 */
import { MASKED, Mask } from "./mask.js";
import { TypedSecrets } from "./typed-secrets.js";

export interface TranscriptEvent {
  /** Which connection of this run, from 1. */
  readonly connection: number;
  /** Milliseconds since the transcript began. */
  readonly at: number;
  readonly direction: "client" | "server" | "note";
  /** For client and server: octets, secrets masked, at most LINE_LIMIT a piece. */
  readonly bytes?: Buffer;
  /** For notes: what happened. */
  readonly text?: string;
  /** What the connection is for, where a protocol has several (`data`). */
  readonly purpose?: string;
}

export type TranscriptSink = (event: TranscriptEvent) => void;

/** A line longer than this is handed on in pieces. */
const LINE_LIMIT = 64 * 1024;
/** RFC 9110, 11.6.2 and 11.7.2: whatever a client proves itself with, a hash too, is for the server alone. */
const AUTHORIZATION = /^((?:proxy-)?authorization:[ \t]*)\S[^\r\n]*/gim;

/** So much of an overlong line stays behind, so that a secret cut by the limit is still whole when it is masked. */
const OVERLAP = 4 * 1024;
const LF = 0x0a;
const CR = 0x0d;

export class Transcript {
  readonly #mask = new Mask();
  readonly #sinks = new Set<TranscriptSink>();
  readonly #began = performance.now();
  #connections = 0;

  /** Returns the function that takes the sink away again. */
  subscribe(sink: TranscriptSink): () => void {
    this.#sinks.add(sink);
    return () => {
      this.#sinks.delete(sink);
    };
  }

  get active(): boolean {
    return this.#sinks.size > 0;
  }

  mask(secret: string): void {
    this.#mask.add(secret);
  }

  /** Text with the known secrets masked, for error messages and the like. */
  cover(text: string): string {
    return this.#mask.cover(Buffer.from(text, "utf8")).toString("utf8");
  }

  note(text: string, connection = 0): void {
    if (this.active) this.#emit({ connection, direction: "note", text: this.cover(text) });
  }

  /** A tap for a new connection. */
  tap(purpose?: string): Tap {
    this.#connections += 1;
    return new Tap(this.#connections, purpose, this.#mask, {
      active: () => this.active,
      emit: (event) => this.#emit(event),
    });
  }

  #emit(event: Omit<TranscriptEvent, "at">): void {
    const timed = { ...event, at: performance.now() - this.#began };
    for (const sink of this.#sinks) sink(timed);
  }
}

interface TapOutlet {
  active(): boolean;
  emit(event: Omit<TranscriptEvent, "at">): void;
}

/** One connection's side of the transcript: joins octets to lines before masking them. */
export class Tap {
  readonly #number: number;
  readonly #purpose: string | undefined;
  readonly #mask: Mask;
  readonly #outlet: TapOutlet;
  #direction: "client" | "server" = "client";
  #held: Buffer[] = [];
  #heldLength = 0;
  /** The client is about to say a secret that nobody could name beforehand, or is in the midst of it. */
  #hiding: "from here" | "still" | undefined;
  /** What the client says is not shown any more. */
  #withheld = false;
  #typed: TypedSecrets | undefined;

  constructor(number: number, purpose: string | undefined, mask: Mask, outlet: TapOutlet) {
    this.#number = number;
    this.#purpose = purpose;
    this.#mask = mask;
    this.#outlet = outlet;
  }

  octets(direction: "client" | "server", chunk: Buffer): void {
    const said = direction === "client" && this.#hiding !== undefined ? this.#hidden(chunk) : chunk;
    if (!this.#outlet.active() || said.length === 0) return;
    if (direction === "client" && this.#withheld) return;
    if (direction !== this.#direction) this.flush();
    this.#direction = direction;
    const end = said.lastIndexOf(LF) + 1;
    if (end > 0) {
      this.#hold(said.subarray(0, end));
      this.flush();
    }
    this.#hold(said.subarray(end));
    if (this.#heldLength > LINE_LIMIT) this.#emitLongLine();
  }

  /** What the client says next is a secret, up to the end of its line: a password that a person types at a prompt. */
  hideLine(): void {
    this.#hiding = "from here";
  }

  /** What the client says from here on stays out: it is coded so that no secret is found in it. `why` stands in its place. */
  withhold(why: string): void {
    this.note(why);
    this.#withheld = true;
  }

  /** Nobody here knows the protocol that is spoken: what looks like a password is covered, in both directions. */
  guessSecrets(): void {
    this.#typed ??= new TypedSecrets();
  }

  #hidden(chunk: Buffer): Buffer {
    const shown = Buffer.from(this.#hiding === "from here" ? MASKED : "");
    const end = chunk.findIndex((octet) => octet === CR || octet === LF);
    this.#hiding = end < 0 ? "still" : undefined;
    return end < 0 ? shown : Buffer.concat([shown, chunk.subarray(end)]);
  }

  /** A whole datagram: what comes next is another, whatever its octets. */
  datagram(direction: "client" | "server", octets: Buffer): void {
    if (!this.#outlet.active()) return;
    this.flush();
    this.#direction = direction;
    this.#hold(octets);
    this.flush();
  }

  note(text: string): void {
    if (!this.#outlet.active()) return;
    this.flush();
    this.#send({ direction: "note", text: this.#mask.cover(Buffer.from(text)).toString() });
  }

  /** Hands on what is held: a prompt without line end, the last words before a close. */
  flush(): void {
    if (this.#heldLength === 0) return;
    const octets = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldLength = 0;
    this.#sendMasked(this.#covered(octets));
  }

  #covered(octets: Buffer): Buffer {
    const covered = this.#mask.cover(octets);
    if (this.#typed !== undefined) {
      return Buffer.from(this.#typed.cover(this.#direction, covered.toString("latin1")), "latin1");
    }
    if (this.#direction === "server") return covered;
    const text = covered.toString("latin1");
    const shown = text.replace(AUTHORIZATION, `$1${MASKED}`);
    return shown === text ? covered : Buffer.from(shown, "latin1");
  }

  #emitLongLine(): void {
    const octets = this.#covered(Buffer.concat(this.#held));
    const cut = Math.max(0, octets.length - OVERLAP);
    this.#sendMasked(octets.subarray(0, cut));
    this.#held = [octets.subarray(cut)];
    this.#heldLength = octets.length - cut;
  }

  #hold(octets: Buffer): void {
    if (octets.length === 0) return;
    // A copy: the connection may reuse its buffer.
    this.#held.push(Buffer.from(octets));
    this.#heldLength += octets.length;
  }

  #sendMasked(octets: Buffer): void {
    for (let at = 0; at < octets.length; at += LINE_LIMIT) {
      this.#send({ direction: this.#direction, bytes: octets.subarray(at, at + LINE_LIMIT) });
    }
  }

  #send(event: Omit<TranscriptEvent, "at" | "connection" | "purpose">): void {
    const purpose = this.#purpose === undefined ? {} : { purpose: this.#purpose };
    this.#outlet.emit({ ...event, connection: this.#number, ...purpose });
  }
}
