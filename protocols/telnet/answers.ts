/** What is answered to a server's questions within options: what we are, and what the user lets it know. */
import { TELNET_OPTION, telnetSubnegotiation } from "../../src/wire/telnet.js";
import type { TelnetOptions } from "../../src/wire/telnet-options.js";

const IS = 0;
const SEND = 1;

/** RFC 1572. */
const VAR = 0;
const VALUE = 1;
const ESC = 2;
const USERVAR = 3;
/** Variables that RFC 1572 knows; all others are the user's. */
const WELL_KNOWN: ReadonlySet<string> = new Set(["USER", "JOB", "ACCT", "PRINTER", "SYSTEMTYPE", "DISPLAY"]);

/** RFC 2066. */
const CHARSET_REQUEST = 1;
const CHARSET_ACCEPTED = 2;
const CHARSET_REJECTED = 3;

/** ANSI, UTF-8 and 256 colours (the Mud Terminal Type Standard). */
const MTTS = "MTTS 13";
const SPEED = "38400,38400";
const NONE = Buffer.alloc(0);

/** Each request gets the next name; the last one stays (RFC 1091). The second is the first again: the end of the list. */
export class TerminalTypes {
  readonly #names: readonly string[];
  #next = 0;

  constructor(name: string) {
    this.#names = [name, name, MTTS];
  }

  answer(question: Buffer): Buffer {
    if (question[0] !== SEND) return NONE;
    const name = this.#names[Math.min(this.#next, this.#names.length - 1)] ?? "";
    this.#next += 1;
    return telnetSubnegotiation(
      TELNET_OPTION.TTYPE,
      Buffer.concat([Buffer.from([IS]), Buffer.from(name, "latin1")]),
    );
  }
}

export function speedAnswer(question: Buffer): Buffer {
  if (question[0] !== SEND) return NONE;
  return telnetSubnegotiation(TELNET_OPTION.TSPEED, Buffer.concat([Buffer.from([IS]), Buffer.from(SPEED)]));
}

/** RFC 1073: columns and rows, two octets each. */
export function windowSize(columns: number, rows: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt16BE(Math.min(65_535, Math.max(0, columns)), 0);
  octets.writeUInt16BE(Math.min(65_535, Math.max(0, rows)), 2);
  return telnetSubnegotiation(TELNET_OPTION.NAWS, octets);
}

/** RFC 1572: of what is asked for, what the user named; a server may ask for anything. */
export function environmentAnswer(question: Buffer, variables: ReadonlyMap<string, string>): Buffer {
  if (question[0] !== SEND) return NONE;
  const asked = namesAsked(question.subarray(1));
  const pieces: Buffer[] = [Buffer.from([IS])];
  for (const [name, value] of variables) {
    if (asked.size > 0 && !asked.has(name)) continue;
    pieces.push(Buffer.from([WELL_KNOWN.has(name) ? VAR : USERVAR]), escaped(name));
    pieces.push(Buffer.from([VALUE]), escaped(value));
  }
  return telnetSubnegotiation(TELNET_OPTION.NEW_ENVIRON, Buffer.concat(pieces));
}

/** The names in a SEND; none when all are asked for. */
function namesAsked(octets: Buffer): Set<string> {
  const names = new Set<string>();
  let name: number[] = [];
  const keep = () => {
    if (name.length > 0) names.add(Buffer.from(name).toString("utf8"));
    name = [];
  };
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at] ?? 0;
    if (octet === VAR || octet === USERVAR) keep();
    else if (octet === ESC) {
      at += 1;
      name.push(octets[at] ?? 0);
    } else name.push(octet);
  }
  keep();
  return names;
}

function escaped(text: string): Buffer {
  return Buffer.from(
    [...Buffer.from(text, "utf8")].flatMap((octet) => (octet <= USERVAR ? [ESC, octet] : [octet])),
  );
}

/**
 * RFC 2066: the first of the offered charsets that will do.
 * @param wanted whether a charset will do
 */
export function charsetAnswer(
  question: Buffer,
  wanted: (name: string) => boolean,
): { answer: Buffer; charset?: string } {
  if (question[0] !== CHARSET_REQUEST) return { answer: NONE };
  // A translation table may be offered before the list; it is not wanted.
  const offered = question
    .subarray(1)
    .toString("latin1")
    .replace(/^\[TTABLE\]./s, "");
  const charset = offered
    .slice(1)
    .split(offered[0] ?? " ")
    .find(wanted);
  if (charset === undefined) {
    return { answer: telnetSubnegotiation(TELNET_OPTION.CHARSET, Buffer.from([CHARSET_REJECTED])) };
  }
  const octets = Buffer.concat([Buffer.from([CHARSET_ACCEPTED]), Buffer.from(charset, "latin1")]);
  return { answer: telnetSubnegotiation(TELNET_OPTION.CHARSET, octets), charset };
}

/** RFC 859: what is on, as we see it. */
export function statusAnswer(question: Buffer, options: TelnetOptions): Buffer {
  if (question[0] !== SEND) return NONE;
  const WILL = 251;
  const DO = 253;
  const octets = options.on.flatMap(({ side, option }) => [side === "us" ? WILL : DO, option]);
  return telnetSubnegotiation(TELNET_OPTION.STATUS, Buffer.from([IS, ...octets]));
}
