/**
 * LINEMODE (RFC 1184), its basic part: lines are edited on this side when the server wants it, keys that are signals
 * are sent as commands, and what special characters there are is agreed on. A forward mask is refused.
 */
import { PortholeError } from "../../src/errors.js";
import type { LineKeys } from "../../src/plugin.js";
import { TELNET, TELNET_OPTION, telnetSubnegotiation } from "../../src/wire/telnet.js";

/** RFC 1184, 2. */
const MODE = 1;
const FORWARDMASK = 2;
const SLC = 3;

/** RFC 1184, 2.2. */
const EDIT = 1;
const TRAPSIG = 2;
const MODE_ACK = 4;

/** RFC 1184, 2.4: levels, and what stands beside them in the modifier. */
const NOSUPPORT = 0;
const VALUE = 2;
const DEFAULT = 3;
const LEVEL = 3;
const FLUSH_IN = 64;
const ACK = 128;
/** `_POSIX_VDISABLE`: the function has no key. */
const NO_KEY = 0xff;

/** The functions that there are here, and the keys they have unless the server wants others. */
const IP = 3;
const ABORT = 7;
const EOF = 8;
const SUSP = 9;
const EC = 10;
const EL = 11;
const EW = 12;
const KEYS: ReadonlyMap<number, number> = new Map([
  [IP, 0x03],
  [ABORT, 0x1c],
  [EOF, 0x04],
  [SUSP, 0x1a],
  [EC, 0x7f],
  [EL, 0x15],
  [EW, 0x17],
]);
/** Those that are signals, by their name. */
const SIGNALS: ReadonlyMap<number, string> = new Map([
  [IP, "ip"],
  [ABORT, "abort"],
  [SUSP, "susp"],
]);
/** Answers without a word of the person between them after which the other side is taken to be at fault. */
const MOST_ANSWERS = 1024;
const NOTHING = Buffer.alloc(0);

interface SpecialKey {
  readonly key: number;
  /** With NOSUPPORT to DEFAULT as its level. */
  readonly modifier: number;
}

export class LineMode {
  #mode = 0;
  readonly #keys = new Map<number, SpecialKey>(
    [...KEYS].map(([name, key]) => [name, { key, modifier: VALUE }]),
  );
  #answers = 0;

  /** The person said something: what changes now may be the answer, and is no loop. */
  spoken(): void {
    this.#answers = 0;
  }

  /** Lines are edited here. */
  get edits(): boolean {
    return (this.#mode & EDIT) !== 0;
  }

  /** Keys that are signals go out as commands. */
  get traps(): boolean {
    return (this.#mode & TRAPSIG) !== 0;
  }

  /** The name of the signal is one whose octets in flight are to be thrown away (SLC_FLUSHIN). */
  flushes(signal: string): boolean {
    return [...SIGNALS].some(
      ([name, known]) => known === signal && ((this.#keys.get(name)?.modifier ?? 0) & FLUSH_IN) !== 0,
    );
  }

  /** What keys mean now, for whoever has the keyboard. @param echo what is typed is shown here */
  keys(echo: boolean): LineKeys {
    const text = (name: number) => {
      const { key = NO_KEY, modifier = NOSUPPORT } = this.#keys.get(name) ?? {};
      return key === NO_KEY || (modifier & LEVEL) === NOSUPPORT ? "" : String.fromCharCode(key);
    };
    const signals = [...SIGNALS].map(([name, signal]) => [text(name), signal] as const);
    return {
      edits: this.edits,
      echo,
      erase: text(EC),
      eraseWord: text(EW),
      eraseLine: text(EL),
      end: text(EOF),
      signals: new Map(this.traps ? signals.filter(([key]) => key !== "") : []),
    };
  }

  /** What is said when the option is agreed on: the keys that there are here. */
  begin(): Buffer {
    return sub(SLC, ...[...this.#keys].flatMap(([name, { key, modifier }]) => [name, modifier, key]));
  }

  /**
   * What to answer to a subnegotiation, if anything.
   * @throws PortholeError `protocol` when they come without end
   */
  answer(octets: Buffer): Buffer {
    const answer = this.#answer(octets);
    if (answer.length > 0) this.#answers += 1;
    if (this.#answers > MOST_ANSWERS) {
      throw new PortholeError(
        "protocol",
        `the server asked for more than ${MOST_ANSWERS} changes of LINEMODE`,
      );
    }
    return answer;
  }

  #answer(octets: Buffer): Buffer {
    const [kind, second = 0] = octets;
    if (kind === MODE && octets.length > 1) return this.#changeMode(second);
    if (kind === SLC) return this.#changeKeys(octets.subarray(1));
    // DO FORWARDMASK; with DONT nothing changes (RFC 1184, 2.3).
    if (kind === TELNET.DO && second === FORWARDMASK) {
      return telnetSubnegotiation(TELNET_OPTION.LINEMODE, Buffer.from([TELNET.WONT, FORWARDMASK]));
    }
    return NOTHING;
  }

  /** RFC 1184, 2.2: what holds already, and what is an answer, gets none; what is not known here is left out of it. */
  #changeMode(mask: number): Buffer {
    const mode = mask & (EDIT | TRAPSIG);
    if ((mask & MODE_ACK) !== 0 || (mode === this.#mode && mask === mode)) return NOTHING;
    this.#mode = mode;
    return sub(MODE, mode | MODE_ACK);
  }

  /** RFC 1184, 2.4: agreed to where the function is known here, refused where it is not; an answer gets none. */
  #changeKeys(octets: Buffer): Buffer {
    const told: number[] = [];
    for (let at = 0; at + 2 < octets.length; at += 3) {
      const [name = 0, modifier = 0, key = 0] = octets.subarray(at, at + 3);
      told.push(...(name === 0 ? this.#allKeys(modifier) : this.#changeKey(name, modifier, key)));
    }
    return told.length === 0 ? NOTHING : sub(SLC, ...told);
  }

  /** Function 0 stands for all: they are asked for as they are, or as they were. */
  #allKeys(modifier: number): number[] {
    const level = modifier & LEVEL;
    if ((modifier & ACK) !== 0 || (level !== DEFAULT && level !== VALUE)) return [];
    if (level === DEFAULT) for (const [name, key] of KEYS) this.#keys.set(name, { key, modifier: VALUE });
    return [...this.#keys].flatMap(([name, known]) => [name, known.modifier, known.key]);
  }

  #changeKey(name: number, modifier: number, key: number): number[] {
    if ((modifier & ACK) !== 0) return [];
    const level = modifier & LEVEL;
    const usual = KEYS.get(name);
    if (usual === undefined) return level === NOSUPPORT ? [] : [name, NOSUPPORT, 0];
    const known = this.#keys.get(name);
    if (level === DEFAULT) {
      this.#keys.set(name, { key: usual, modifier: VALUE });
      return [name, VALUE, usual];
    }
    if (known?.key === key && known.modifier === modifier) return [];
    this.#keys.set(name, { key, modifier });
    return [name, modifier | ACK, key];
  }
}

function sub(...octets: readonly number[]): Buffer {
  return telnetSubnegotiation(TELNET_OPTION.LINEMODE, Buffer.from(octets));
}
