/** One client's part of a replay: what it says is compared with what was recorded, and answered as recorded. */
import { PortholeError } from "../errors.js";
import type { Connection } from "./connection.js";
import type { Listener } from "./listen.js";
import { MASKED } from "./mask.js";
import { OctetReader } from "./octet-reader.js";
import type { Play, PlayEvent } from "./replay-plan.js";
import { roomIn } from "./room.js";

export interface Hall {
  /** A place for a data connection. */
  listen(): Promise<Listener>;
  tell(text: string): void;
  readonly signal: AbortSignal;
}

type Said = Extract<PlayEvent, { kind: "client" | "server" }>;

/** One end of the play. */
interface Part {
  readonly connection: Connection;
  readonly reader: OctetReader;
}

/** Header fields that name the place, the program or the hour: another value there is no other question. */
const PASSING_FIELDS =
  /^(?:host|user-agent|date|message-id|connection|accept[a-z-]*|content-[a-z-]+|mime-version)$/i;

const LF = 0x0a;
/** The first line of a request (RFC 9112, 3). */
const REQUEST = /^[A-Z]+ \S+ HTTP\/1\.[01]\r?\n$/;

/** RFC 3030, 2: a chunk of so many octets, the last or not. */
const BDAT = /^BDAT (\d{1,12})((?: LAST)?)$/i;

/** Octets of a body, or of a chunk of it, that are passed over. */
const LONGEST_BODY = 64 * 1024 ** 2;

export class Player {
  readonly #events: Play;
  readonly #hall: Hall;
  readonly #parts = new Map<number, Part>();
  /** Where announced data connections will arrive, in order. */
  readonly #places: Listener[] = [];
  /** The server asked for a mail or an article. */
  #goAhead = false;
  #at = 0;

  constructor(events: Play, connection: Connection, hall: Hall) {
    this.#events = events;
    this.#hall = hall;
    this.#parts.set(0, { connection, reader: new OctetReader(connection) });
  }

  /** @throws PortholeError `protocol` when the client says what was never recorded */
  async play(): Promise<void> {
    for (let event = this.#events[this.#at]; event !== undefined; event = this.#events[this.#at]) {
      if (event.kind === "accept") {
        await this.#accept(event.connection);
        this.#at += 1;
      } else if (event.connection > 0) {
        await this.#playData(event);
      } else if (event.kind === "server") {
        this.#at += 1;
        await this.#say(event);
      } else if (!(await this.#hear(event))) return;
    }
    await this.#finish(0);
  }

  leave(): void {
    for (const place of this.#places) place.close();
    for (const { connection } of this.#parts.values()) connection.destroy();
  }

  async #accept(number: number): Promise<void> {
    const place = this.#places.shift();
    const connection = await place?.accept();
    place?.close();
    if (connection !== undefined)
      this.#parts.set(number, { connection, reader: new OctetReader(connection) });
  }

  /** On a data connection the client's octets are files: they are taken, whatever they are. */
  async #playData(event: Said): Promise<void> {
    this.#at += 1;
    const part = this.#parts.get(event.connection);
    const more = this.#events.slice(this.#at).some(({ connection }) => connection === event.connection);
    if (part === undefined) return;
    if (event.kind === "server") await write(part.connection, event.octets);
    else if (!more) await part.reader.skipAll();
    if (!more) await this.#finish(event.connection);
  }

  async #say(event: Said): Promise<void> {
    const part = this.#parts.get(0);
    if (part === undefined) return;
    // RFC 5321, 4.1.1.4; RFC 3977, 6.3.1.
    this.#goAhead = /^3[45][0-9] /.test(event.octets.toString("latin1"));
    await write(part.connection, await this.#announced(event.octets));
  }

  /** A reply that announces a port announces one of ours (RFC 959, 4.1.2; RFC 2428, 3). */
  async #announced(octets: Buffer): Promise<Buffer> {
    const text = octets.toString("latin1");
    const old = /^(227 .*?)\d+,\d+,\d+,\d+,\d+,\d+/.exec(text);
    const extended = /^(229 .*\(([!-~])\2\2)\d+(?=\2\))/.exec(text);
    if (old === null && extended === null) return octets;
    const place = await this.#hall.listen();
    this.#places.push(place);
    const { port } = place.place;
    if (extended !== null)
      return Buffer.from(text.replace(extended[0], `${extended[1] ?? ""}${port}`), "latin1");
    const numbers = `127,0,0,1,${Math.floor(port / 256)},${port % 256}`;
    return Buffer.from(text.replace(old?.[0] ?? "", `${old?.[1] ?? ""}${numbers}`), "latin1");
  }

  /** @returns whether the client is still there */
  async #hear(event: Said): Promise<boolean> {
    const reader = this.#parts.get(0)?.reader;
    if (reader === undefined) return false;
    const ends = event.octets.indexOf(LF) + 1;
    if (ends !== event.octets.length) {
      // No single line: as many octets as there were, text of a prompt or binary.
      this.#at += 1;
      // A secret is as long as it is: what followed it tells its end.
      const masked = event.octets.lastIndexOf(MASKED);
      if (masked >= 0) return await reader.skipThrough(event.octets.subarray(masked + MASKED.length));
      return await reader.skip(event.octets.length);
    }
    const turn = this.#turnFrom(this.#at);
    if (this.#goAhead && turn.at(-1)?.octets.toString("latin1") === ".\r\n") {
      this.#at += turn.length;
      return await passBlock(reader);
    }
    const line = await reader.line();
    if (line === undefined) return false;
    if (matches(event.octets, line)) this.#at += 1;
    else this.#seek(event, line);
    const [, said] = BDAT.exec(words(line)) ?? [];
    if (said !== undefined) {
      this.#passChunk(event);
      return await reader.skip(Number(said));
    }
    if (REQUEST.test(line.toString("latin1"))) {
      await passHttp(reader);
      this.#at += this.#turnFrom(this.#at).length;
    }
    return true;
  }

  /** The recorded octets of a chunk (RFC 3030), which came right behind its command. */
  #passChunk(command: Said): void {
    let left = Number(BDAT.exec(words(command.octets))?.[1] ?? 0);
    for (let event = this.#events[this.#at]; left > 0; event = this.#events[this.#at]) {
      if (event?.kind !== "client" || event.connection !== 0) return;
      left -= event.octets.length;
      this.#at += 1;
    }
  }

  /** The client leaves something out that the recorded one said (what only TLS asks for): its answer is left out, too. */
  #seek(event: Said, line: Buffer): void {
    const at = this.#events.findIndex(
      (later, index) =>
        index > this.#at && later.kind === "client" && later.connection === 0 && matches(later.octets, line),
    );
    if (at < 0) {
      throw new PortholeError(
        "protocol",
        `line ${event.line} of the recording has "${words(event.octets)}", but the client says "${shown(line)}"`,
        { hint: "give the command that was recorded" },
      );
    }
    this.#hall.tell(`the client passes over line ${event.line} of the recording: "${words(event.octets)}"`);
    this.#at = at + 1;
  }

  /** What the client says from there on, up to the server's next word. */
  #turnFrom(start: number): Said[] {
    const turn: Said[] = [];
    for (let at = start; ; at++) {
      const event = this.#events[at];
      if (event === undefined || event.kind !== "client" || event.connection !== 0) return turn;
      turn.push(event);
    }
  }

  /** The server's side ends when nothing more is recorded of it. */
  async #finish(number: number): Promise<void> {
    const part = this.#parts.get(number);
    if (part === undefined || part.connection.destroyed) return;
    part.connection.end();
    await part.reader.skipAll();
  }
}

/** A mail or an article: another one than the recorded is well, too. @returns whether its end came */
async function passBlock(reader: OctetReader): Promise<boolean> {
  for (let line = await reader.line(); line !== undefined; line = await reader.line()) {
    if (words(line) === ".") return true;
  }
  return false;
}

/** Header fields and body, which may be others than the recorded ones and of another length. */
async function passHttp(reader: OctetReader): Promise<void> {
  let length = 0;
  let chunked = false;
  for (let line = await reader.line(); line !== undefined && words(line) !== ""; line = await reader.line()) {
    const [, name = "", value = ""] = /^([^:]+):[ \t]*(.*)$/.exec(words(line)) ?? [];
    if (/^content-length$/i.test(name)) length = Math.min(LONGEST_BODY, Number(value) || 0);
    if (/^transfer-encoding$/i.test(name)) chunked = /chunked/i.test(value);
  }
  if (!chunked) {
    if (length > 0) await reader.skip(length);
    return;
  }
  for (;;) {
    const size = Number.parseInt(words((await reader.line()) ?? Buffer.alloc(0)), 16) || 0;
    if (size === 0) break;
    await reader.skip(Math.min(LONGEST_BODY, size) + 2);
  }
  // Trailer fields and the last empty line (RFC 9112, 7.1).
  for (let line = await reader.line(); line !== undefined && words(line) !== ""; line = await reader.line());
}

/** The same, but for masked secrets, and fields that pass. */
function matches(recorded: Buffer, said: Buffer): boolean {
  if (recorded.equals(said)) return true;
  const [wanted, given] = [words(recorded), words(said)].map(withoutParameters);
  if (wanted === undefined || given === undefined) return false;
  if (wanted === given) return true;
  const [, field] = /^([A-Za-z-]+):/.exec(wanted) ?? [];
  if (field !== undefined && PASSING_FIELDS.test(field)) {
    return given.toLowerCase().startsWith(`${field.toLowerCase()}:`);
  }
  // RFC 5321, 4.1.1.1: the name is the client's own.
  const hello = /^(EHLO|HELO|LHLO) /i.exec(wanted);
  if (hello !== null) return given.toUpperCase().startsWith((hello[0] ?? "").toUpperCase());
  // Another mail than the recorded one is well.
  const [, , last] = BDAT.exec(wanted) ?? [];
  if (last !== undefined) return BDAT.exec(given)?.[2]?.toUpperCase() === last.toUpperCase();
  const pieces = wanted.split(MASKED);
  return pieces.length > 1 && standInOrder(pieces, given);
}

/** Another mail has another size, and other octets (RFC 1870, 5; RFC 6152, 2). */
function withoutParameters(line: string): string {
  return line.replace(/^(MAIL FROM:<[^>]*>) .*$/i, "$1");
}

/** Whether `text` is the pieces with anything between them. */
function standInOrder(pieces: readonly string[], text: string): boolean {
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= text.length - last.length;
}

/** For people: what a client sends to log in with is its own affair. */
function shown(line: Buffer): string {
  return words(line).replace(
    /^((?:\S+ )?(?:PASS|AUTH|AUTHINFO|LOGIN|AUTHENTICATE)\b|(?:proxy-)?authorization:).*$/i,
    `$1 ${MASKED}`,
  );
}

/** A line without its end. */
function words(line: Buffer): string {
  return line.toString("latin1").replace(/\r?\n$/, "");
}

async function write(connection: Connection, octets: Buffer): Promise<void> {
  if (connection.destroyed) throw new PortholeError("connect", "the client left before all was played");
  if (connection.write(octets)) return;
  await roomIn(connection);
}
