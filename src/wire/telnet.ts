/**
 * Telnet's octets (RFC 854, 855): from a stream to data, commands, offers and subnegotiations, and back.
 *
 * The reader is given chunks as a socket gives them, cut anywhere, and is asked for events one by one: what an
 * event means may change how the octets after it are to be read (compression, TLS), and `takeRest` hands those out.
 */
import { PortholeError } from "../errors.js";

/** RFC 854; EOR is of RFC 885, those below it of RFC 1184. */
export const TELNET = {
  EOF: 236,
  SUSP: 237,
  ABORT: 238,
  EOR: 239,
  SE: 240,
  NOP: 241,
  DM: 242,
  BRK: 243,
  IP: 244,
  AO: 245,
  AYT: 246,
  EC: 247,
  EL: 248,
  GA: 249,
  SB: 250,
  WILL: 251,
  WONT: 252,
  DO: 253,
  DONT: 254,
  IAC: 255,
} as const;

/** IANA's registry of Telnet options, and those of MUDs. */
export const TELNET_OPTION = {
  BINARY: 0,
  ECHO: 1,
  SGA: 3,
  STATUS: 5,
  TIMING_MARK: 6,
  TTYPE: 24,
  EOR: 25,
  NAWS: 31,
  TSPEED: 32,
  LFLOW: 33,
  LINEMODE: 34,
  XDISPLOC: 35,
  OLD_ENVIRON: 36,
  AUTHENTICATION: 37,
  ENCRYPT: 38,
  NEW_ENVIRON: 39,
  CHARSET: 42,
  START_TLS: 46,
  MSSP: 70,
  MCCP2: 86,
  MCCP3: 87,
  GMCP: 201,
} as const;

export type TelnetVerb = "will" | "wont" | "do" | "dont";

export type TelnetEvent =
  /** Data, IAC undoubled; CR NUL is CR unless the reader is `binary`. */
  | { readonly type: "data"; readonly octets: Buffer }
  /** A command of one octet: NOP, AYT, GA, ... */
  | { readonly type: "command"; readonly command: number }
  | { readonly type: "offer"; readonly verb: TelnetVerb; readonly option: number }
  /** What stood between IAC SB option and IAC SE, IAC undoubled. */
  | { readonly type: "subnegotiation"; readonly option: number; readonly octets: Buffer };

const VERBS: Readonly<Record<number, TelnetVerb>> = {
  [TELNET.WILL]: "will",
  [TELNET.WONT]: "wont",
  [TELNET.DO]: "do",
  [TELNET.DONT]: "dont",
};

const CODES: Readonly<Record<TelnetVerb, number>> = {
  will: TELNET.WILL,
  wont: TELNET.WONT,
  do: TELNET.DO,
  dont: TELNET.DONT,
};

const CR = 0x0d;
const LF = 0x0a;
const NUL = 0;
/** Octets of a subnegotiation, unless told otherwise. */
const MOST_SUBNEGOTIATED = 64 * 1024;
const NOTHING = Buffer.alloc(0);

type State = "data" | "iac" | "verb" | "sb-option" | "sb" | "sb-iac";

/** In UTF-8 the mark's octet begins a character of four, and the next goes on with it. */
function isLoneMark([first, second = 0]: Uint8Array): boolean {
  return first === TELNET.DM && (second & 0xc0) !== 0x80;
}

export class TelnetReader {
  /** The other side sends octets as they are (RFC 856): CR stands for itself. */
  binary = false;
  /**
   * The other side was sent what it may answer by a Synch (RFC 854). Its IAC DM is urgent data, of which the system
   * gives one octet to those alone who ask for it. inetutils telnetd makes IAC that octet; what is left is a data mark
   * that a chunk begins with, for reading stops where the urgent octet stood.
   */
  markMayCome = false;
  readonly #mostSubnegotiated: number;
  #chunk: Buffer = NOTHING;
  #at = 0;
  #state: State = "data";
  #verb: TelnetVerb = "will";
  #option = 0;
  #pieces: Buffer[] = [];
  #length = 0;
  /** The last octet of data was a CR, and a NUL after it is none. */
  #afterCr = false;

  constructor(options: { readonly mostSubnegotiated?: number } = {}) {
    this.#mostSubnegotiated = options.mostSubnegotiated ?? MOST_SUBNEGOTIATED;
  }

  /** Takes the next octets; those before must have been asked for up to the last event. */
  feed(chunk: Uint8Array): void {
    let octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.markMayCome && this.#state === "data" && isLoneMark(octets)) {
      octets = octets.subarray(1);
      this.markMayCome = false;
    }
    this.#chunk = this.#at < this.#chunk.length ? Buffer.concat([this.takeRest(), octets]) : octets;
    this.#at = 0;
  }

  /** What was fed and not looked at yet; the reader forgets it. */
  takeRest(): Buffer {
    const rest = this.#chunk.subarray(this.#at);
    this.#chunk = NOTHING;
    this.#at = 0;
    return rest;
  }

  /**
   * The next event, or undefined until more is fed.
   * @throws PortholeError `protocol` for a subnegotiation without end
   */
  next(): TelnetEvent | undefined {
    while (this.#at < this.#chunk.length) {
      const event = this.#state === "data" ? this.#data() : this.#control();
      if (event !== undefined) return event;
    }
    return undefined;
  }

  #data(): TelnetEvent | undefined {
    const from = this.#at;
    const iac = this.#chunk.indexOf(TELNET.IAC, from);
    if (iac < 0) {
      this.#at = this.#chunk.length;
      return this.#dataEvent(this.#chunk.subarray(from));
    }
    // IAC IAC is the octet 255: the first of the two stands for both.
    if (this.#chunk[iac + 1] === TELNET.IAC) {
      this.#at = iac + 2;
      return this.#dataEvent(this.#chunk.subarray(from, iac + 1));
    }
    this.#at = iac + 1;
    this.#state = "iac";
    return iac === from ? undefined : this.#dataEvent(this.#chunk.subarray(from, iac));
  }

  #dataEvent(octets: Buffer): TelnetEvent | undefined {
    const plain = this.binary ? octets : this.#withoutPadding(octets);
    this.#afterCr = octets[octets.length - 1] === CR;
    return plain.length === 0 ? undefined : { type: "data", octets: plain };
  }

  /** RFC 854: a CR that is not the beginning of a line end is followed by NUL. NULs are rare, so they are looked for. */
  #withoutPadding(octets: Buffer): Buffer {
    const pieces: Buffer[] = [];
    let from = 0;
    for (let nul = octets.indexOf(NUL); nul >= 0; nul = octets.indexOf(NUL, nul + 1)) {
      const padding = nul === 0 ? this.#afterCr : octets[nul - 1] === CR;
      if (!padding) continue;
      pieces.push(octets.subarray(from, nul));
      from = nul + 1;
    }
    if (from === 0) return octets;
    pieces.push(octets.subarray(from));
    return Buffer.concat(pieces);
  }

  #control(): TelnetEvent | undefined {
    const octet = this.#chunk[this.#at] ?? 0;
    switch (this.#state) {
      case "iac":
        this.#at += 1;
        return this.#afterIac(octet);
      case "verb":
        this.#at += 1;
        this.#state = "data";
        return { type: "offer", verb: this.#verb, option: octet };
      case "sb-option":
        this.#at += 1;
        this.#option = octet;
        this.#pieces = [];
        this.#length = 0;
        this.#state = "sb";
        return undefined;
      case "sb-iac":
        this.#at += 1;
        return this.#afterIacWithin(octet);
      default:
        this.#within();
        return undefined;
    }
  }

  #afterIac(octet: number): TelnetEvent | undefined {
    const verb = VERBS[octet];
    this.#state = "data";
    if (verb !== undefined) {
      this.#verb = verb;
      this.#state = "verb";
      return undefined;
    }
    if (octet === TELNET.SB) {
      this.#state = "sb-option";
      return undefined;
    }
    if (octet === TELNET.IAC) return this.#dataEvent(Buffer.from([TELNET.IAC]));
    // No command is that low: the data mark of a Synch stood between the two, as the urgent octet that is not seen here.
    if (octet < TELNET.EOF) {
      this.#at -= 1;
      return undefined;
    }
    return { type: "command", command: octet };
  }

  /** Octets of a subnegotiation, up to the next IAC. */
  #within(): void {
    const iac = this.#chunk.indexOf(TELNET.IAC, this.#at);
    const end = iac < 0 ? this.#chunk.length : iac;
    this.#hold(this.#chunk.subarray(this.#at, end));
    this.#at = iac < 0 ? end : end + 1;
    if (iac >= 0) this.#state = "sb-iac";
  }

  #afterIacWithin(octet: number): TelnetEvent | undefined {
    if (octet === TELNET.IAC) {
      this.#hold(Buffer.from([TELNET.IAC]));
      this.#state = "sb";
      return undefined;
    }
    if (octet === TELNET.SE) {
      this.#state = "data";
      const octets = Buffer.concat(this.#pieces);
      this.#pieces = [];
      return { type: "subnegotiation", option: this.#option, octets };
    }
    // Its end was forgotten: what it said is dropped, and the command counts.
    this.#pieces = [];
    return this.#afterIac(octet);
  }

  #hold(octets: Buffer): void {
    if (octets.length === 0) return;
    this.#length += octets.length;
    if (this.#length > this.#mostSubnegotiated) {
      throw new PortholeError(
        "protocol",
        `a subnegotiation of option ${this.#option} is longer than ${this.#mostSubnegotiated} octets`,
      );
    }
    // A copy: the chunk may be reused before the rest comes.
    this.#pieces.push(Buffer.from(octets));
  }
}

/** Data as it goes out: IAC doubled, and line ends as the network's terminal has them, unless `binary`. */
export class TelnetWriter {
  binary = false;
  #afterCr = false;

  /** A lone LF becomes CR LF, a lone CR becomes CR NUL (RFC 854); the result may be the input itself. */
  data(octets: Uint8Array): Buffer {
    const plain = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
    return doubled(this.binary ? plain : this.#lines(plain));
  }

  #lines(octets: Buffer): Buffer {
    if (!this.#afterCr && !octets.includes(LF) && !octets.includes(CR)) return octets;
    const pieces: Buffer[] = [];
    let from = 0;
    for (let at = 0; at < octets.length; at++) {
      const octet = octets[at];
      const afterCr = at === 0 ? this.#afterCr : octets[at - 1] === CR;
      if (octet === LF && afterCr) {
        // At the beginning it is the rest of a line end whose CR went out as CR NUL.
        pieces.push(octets.subarray(from, at === 0 ? at : at - 1), at === 0 ? NOTHING : CRLF);
        from = at + 1;
      } else if (octet === LF) {
        pieces.push(octets.subarray(from, at), CRLF);
        from = at + 1;
      } else if (octet === CR && octets[at + 1] !== LF) {
        pieces.push(octets.subarray(from, at), CR_NUL);
        from = at + 1;
      }
    }
    pieces.push(octets.subarray(from));
    this.#afterCr = octets.length > 0 ? octets[octets.length - 1] === CR : this.#afterCr;
    return Buffer.concat(pieces);
  }
}

const CRLF = Buffer.from("\r\n");
const CR_NUL = Buffer.from("\r\0");

/** Octets with each IAC twice. */
function doubled(octets: Buffer): Buffer {
  let iac = octets.indexOf(TELNET.IAC);
  if (iac < 0) return octets;
  const pieces: Buffer[] = [];
  let from = 0;
  for (; iac >= 0; iac = octets.indexOf(TELNET.IAC, iac + 1)) {
    pieces.push(octets.subarray(from, iac + 1));
    from = iac;
  }
  pieces.push(octets.subarray(from));
  return Buffer.concat(pieces);
}

export function telnetCommand(command: number): Buffer {
  return Buffer.from([TELNET.IAC, command]);
}

export function telnetOffer(verb: TelnetVerb, option: number): Buffer {
  return Buffer.from([TELNET.IAC, CODES[verb], option]);
}

/** IAC SB option octets IAC SE, IAC doubled within. */
export function telnetSubnegotiation(option: number, octets: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from([TELNET.IAC, TELNET.SB, option]),
    doubled(Buffer.from(octets)),
    Buffer.from([TELNET.IAC, TELNET.SE]),
  ]);
}
