/**
 * The structure of a message (RFC 2046), octets in, events out: parts begin, give their octets and end. Nothing is
 * held but the header of the part under way, bounded, and the octets that may turn out to be a boundary.
 */
import { type Header, LONGEST_HEADER, parseHeader } from "./headers.js";
import { type Parameterized, parseParameterized } from "./parameters.js";

export interface Part {
  /** As IMAP numbers it (RFC 3501, 6.4.5): `1`, `2.1`; empty for the message itself when it is a multipart. */
  readonly section: string;
  readonly header: Header;
  /** Lower case: `text/plain`. */
  readonly type: string;
  readonly contentType: Parameterized;
  /** `attachment`, `inline` or empty. */
  readonly disposition: string;
  /** Content-Transfer-Encoding, lower case. */
  readonly encoding: string;
  readonly depth: number;
  /** It holds parts, which follow; its own octets are not given. */
  readonly container: "multipart" | "message" | undefined;
  readonly parent: Part | undefined;
}

export type MimeEvent =
  | { readonly kind: "begin"; readonly part: Part }
  /** Encoded as they stand in the message. The buffer is the caller's input: to be used before more is fed. */
  | { readonly kind: "octets"; readonly part: Part; readonly octets: Buffer }
  | { readonly kind: "end"; readonly part: Part };

/** Parts within parts that are followed; deeper ones are the octets of the part they are in. */
const DEEPEST = 150;
/** RFC 2046, 5.1.1 has 70 characters; a line is read as far as this to find one. */
const LONGEST_BOUNDARY = 1024;
const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;

interface Level {
  readonly part: Part;
  readonly boundary: string | undefined;
  /** How many parts have begun in it. */
  children: number;
}

export class MimeParser {
  /** From the message outward in; the last is the one under way. */
  readonly #levels: Level[] = [];
  /** Which level a boundary belongs to. */
  readonly #boundaries = new Map<string, number>();
  #state: "header" | "body" | "between" = "header";
  #held: Buffer = Buffer.alloc(0);
  #head: Buffer[] = [];
  #headSize = 0;
  /** What is held begins a line. */
  #atLineStart = true;
  #headerOf: Level | undefined;
  #ended = false;
  readonly #whole: string | undefined;
  readonly #pending: MimeEvent[] = [];
  /** The header under way is complete. */
  #headerDue = false;
  #boundaryDue: { readonly level: number; readonly closing: boolean } | undefined;

  /** @param whole the section of a part that is wanted as it stands, parts within it included */
  constructor(whole?: string) {
    this.#whole = whole;
  }

  /** What these octets complete. */
  *feed(octets: Uint8Array): Generator<MimeEvent, void, undefined> {
    const chunk = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
    yield* this.#work(this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]), false);
  }

  /** The message has no more octets: what is open ends. */
  *end(): Generator<MimeEvent, void, undefined> {
    if (this.#ended) return;
    this.#ended = true;
    yield* this.#work(this.#held, true);
    if (this.#state === "header") yield* this.#headerDone();
    yield* this.#closeTo(0);
  }

  *#work(all: Buffer, last: boolean): Generator<MimeEvent, void, undefined> {
    let at = 0;
    while (at < all.length) {
      const next: number =
        this.#state === "header" ? this.#headerLine(all, at, last) : this.#bodyRun(all, at, last);
      yield* this.#pending.splice(0);
      if (this.#headerDue) {
        this.#headerDue = false;
        yield* this.#headerDone();
      }
      if (this.#boundaryDue !== undefined) {
        const due = this.#boundaryDue;
        this.#boundaryDue = undefined;
        yield* this.#boundary(due.level, due.closing);
      }
      if (next === at) break;
      at = next;
    }
    this.#held = Buffer.from(all.subarray(at));
  }

  /** Takes one line of a header, or a piece of one that is too long. @returns where to go on */
  #headerLine(all: Buffer, at: number, last: boolean): number {
    const found = all.indexOf(LF, at);
    if (found < 0 && !last && all.length - at < LONGEST_BOUNDARY) return at;
    const end = found < 0 ? all.length : found + 1;
    const starts = this.#atLineStart;
    this.#atLineStart = found >= 0;
    if (starts) {
      const length = end - at;
      if (length === 1 && all[at] === LF) this.#headerDue = true;
      if (length === 2 && all[at] === CR && all[at + 1] === LF) this.#headerDue = true;
      if (this.#headerDue) return end;
      // A header that a boundary cuts off: the part has no body.
      const match = this.#match(all, at, end);
      if (match !== undefined) {
        this.#headerDue = true;
        this.#boundaryDue = match;
        return end;
      }
    }
    const room = LONGEST_HEADER - this.#headSize;
    if (room > 0) {
      const kept = Buffer.from(all.subarray(at, Math.min(end, at + room)));
      this.#head.push(kept);
      this.#headSize += kept.length;
    }
    return end;
  }

  /** Gives what is surely of the body, up to a boundary. @returns where to go on */
  #bodyRun(all: Buffer, at: number, last: boolean): number {
    if (this.#boundaries.size === 0) return this.#give(all, at, all.length);
    if (this.#atLineStart && all[at] !== DASH) this.#atLineStart = false;
    let line = at;
    if (!this.#atLineStart) {
      const found = all.indexOf("\n-", at);
      // The line break before a boundary is of the boundary (RFC 2046, 5.1.1), so it waits for what follows.
      if (found < 0) return this.#give(all, at, last ? all.length : lineEndBefore(all, all.length, at));
      line = found + 1;
    }
    const content = this.#atLineStart ? at : lineEndBefore(all, line, at);
    if (!last && line + 1 >= all.length) return this.#give(all, at, content);
    if (all[line + 1] !== DASH) return this.#pass(all, at, line + 1);
    const found = all.indexOf(LF, line);
    const end = found < 0 ? all.length : found + 1;
    if (found < 0 && !last && end - line < LONGEST_BOUNDARY) return this.#give(all, at, content);
    const match = this.#match(all, line, end);
    if (match === undefined) return this.#pass(all, at, line + 2);
    this.#give(all, at, content);
    this.#boundaryDue = match;
    this.#atLineStart = true;
    return end;
  }

  /** What looked like the beginning of a boundary, and is none. */
  #pass(all: Buffer, at: number, to: number): number {
    this.#atLineStart = false;
    return this.#give(all, at, to);
  }

  #give(all: Buffer, from: number, to: number): number {
    const part = this.#levels.at(-1)?.part;
    if (to > from && this.#state === "body" && part !== undefined) {
      this.#pending.push({ kind: "octets", part, octets: all.subarray(from, to) });
    }
    return to;
  }

  #match(all: Buffer, from: number, to: number): { level: number; closing: boolean } | undefined {
    if (this.#boundaries.size === 0 || all[from] !== DASH || all[from + 1] !== DASH) return undefined;
    const line = all.toString("latin1", from + 2, Math.min(to, from + LONGEST_BOUNDARY)).trimEnd();
    const exact = this.#boundaries.get(line);
    if (exact !== undefined) return { level: exact, closing: false };
    const level = line.endsWith("--") ? this.#boundaries.get(line.slice(0, -2)) : undefined;
    return level === undefined ? undefined : { level, closing: true };
  }

  *#boundary(level: number, closing: boolean): Generator<MimeEvent, void, undefined> {
    yield* this.#closeTo(level + 1);
    const owner = this.#levels[level];
    if (owner === undefined) return;
    if (closing) {
      if (owner.boundary !== undefined) this.#boundaries.delete(owner.boundary);
      this.#state = "between";
      return;
    }
    owner.children += 1;
    this.#headerOf = owner;
    this.#state = "header";
  }

  *#headerDone(): Generator<MimeEvent, void, undefined> {
    const header = parseHeader(Buffer.concat(this.#head));
    this.#head = [];
    this.#headSize = 0;
    this.#atLineStart = true;
    const owner = this.#headerOf ?? this.#levels.at(-1);
    const level = this.#levelOf(header, owner);
    this.#levels.push(level);
    this.#headerOf = undefined;
    yield { kind: "begin", part: level.part };
    if (level.part.container === "message") {
      this.#state = "header";
      this.#headerOf = level;
    } else if (level.boundary !== undefined) {
      this.#boundaries.set(level.boundary, this.#levels.length - 1);
      // The preamble (RFC 2046, 5.1.1) is of no part.
      this.#state = "between";
    } else this.#state = "body";
  }

  #levelOf(header: Header, owner: Level | undefined): Level {
    const parent = owner?.part;
    // RFC 2046, 5.1.5: in a digest, what does not say what it is is a message.
    const silent = parent?.type === "multipart/digest" ? "message/rfc822" : "text/plain";
    const contentType = parseParameterized(header.raw("content-type"));
    const type = /^[^\s/]+\/[^\s/]+$/.test(contentType.value) ? contentType.value : silent;
    const encoding = parseParameterized(header.raw("content-transfer-encoding")).value;
    const boundary = contentType.parameters
      .get("boundary")
      ?.octets.trimEnd()
      .slice(0, LONGEST_BOUNDARY - 8);
    const depth = parent === undefined ? 0 : parent.depth + 1;
    const coded = encoding === "base64" || encoding === "quoted-printable";
    const holds =
      depth >= DEEPEST || coded
        ? undefined
        : type.startsWith("multipart/") &&
            boundary !== undefined &&
            boundary !== "" &&
            !this.#boundaries.has(boundary)
          ? "multipart"
          : /^message\/(?:rfc822|global|news)$/.test(type) && depth > 0
            ? "message"
            : undefined;
    const section = sectionOf(owner, holds);
    const container = section !== "" && section === this.#whole ? undefined : holds;
    const part: Part = {
      section,
      header,
      type,
      contentType,
      disposition: parseParameterized(header.raw("content-disposition")).value,
      encoding,
      depth,
      container,
      parent,
    };
    return { part, boundary: container === "multipart" ? boundary : undefined, children: 0 };
  }

  *#closeTo(count: number): Generator<MimeEvent, void, undefined> {
    if (this.#state === "header" && this.#headSize > 0) yield* this.#headerDone();
    while (this.#levels.length > count) {
      const level = this.#levels.pop();
      if (level === undefined) return;
      if (level.boundary !== undefined) this.#boundaries.delete(level.boundary);
      yield { kind: "end", part: level.part };
    }
    this.#headerOf = undefined;
    this.#state = "between";
  }
}

/** A message within a part takes no number of its own: its parts count from the part it is in. */
function sectionOf(owner: Level | undefined, holds: Part["container"]): string {
  if (owner === undefined) return holds === "multipart" ? "" : "1";
  const { part } = owner;
  if (part.container === "message") return holds === "multipart" ? part.section : `${part.section}.1`;
  return part.section === "" ? String(owner.children) : `${part.section}.${owner.children}`;
}

/** Where the line break begins that ends right before `from`. */
function lineEndBefore(all: Buffer, from: number, at: number): number {
  let end = from;
  if (end > at && all[end - 1] === LF) end -= 1;
  if (end > at && all[end - 1] === CR) end -= 1;
  return end;
}
