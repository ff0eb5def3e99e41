/**
 * A Telnet session as a stream: data in and out, with the negotiations answered beneath it. What a person or a
 * program reads is data alone; what they write is data, its line ends and its octet 255 put as Telnet wants them.
 */
import { Duplex } from "node:stream";
import { constants, createDeflate, type Deflate } from "node:zlib";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { isClosedByPeer } from "../../src/net/failures.js";
import { ASKS_PASSWORD } from "../../src/net/typed-secrets.js";
import type { Interaction, LineKeys, Screen } from "../../src/plugin.js";
import {
  TELNET,
  TELNET_OPTION,
  type TelnetEvent,
  TelnetReader,
  TelnetWriter,
  telnetCommand,
  telnetSubnegotiation,
} from "../../src/wire/telnet.js";
import { type OptionChange, TelnetOptions, type TelnetSide } from "../../src/wire/telnet-options.js";
import { agreesTo } from "./agreed.js";
import {
  charsetAnswer,
  environmentAnswer,
  speedAnswer,
  statusAnswer,
  TerminalTypes,
  windowSize,
} from "./answers.js";
import { AS_THEY_ARE, type Characters } from "./characters.js";
import { inflated } from "./compression.js";
import { LineMode } from "./linemode.js";
import { MODES, SIGNAL_OCTETS, SIGNALS, shownOption } from "./signals.js";

export interface TelnetFacts {
  /** Undefined when the user did not say. */
  readonly terminal: string | undefined;
  /** The user said how large the screen is. */
  readonly sized: boolean;
  readonly columns: number;
  readonly rows: number;
  /** What the server may know. */
  readonly environment: ReadonlyMap<string, string>;
  /** Of the far side; undefined when the user did not say: UTF-8, or what the server asks for. */
  readonly characters: Characters | undefined;
  /** START-TLS is agreed to when the server asks for it. */
  readonly startTls: boolean;
  note(text: string): void;
}

/** So much of what the server said is kept to see whether it asks for a password. */
const LAST_WORDS = 128;

const MAY_BE_ANSWERED_BY_SYNCH: ReadonlySet<string> = new Set([
  "ao",
  "ip",
  "break",
  "abort",
  "susp",
  "synch",
]);
/** Ctrl-C, Ctrl-\ and Ctrl-Z as keys: a terminal at the other end throws its output away, and a telnetd says so by a Synch. */
const INTERRUPTING: readonly number[] = [0x03, 0x1c, 0x1a];
const CR = 0x0d;
/** For programs: what draws on a screen should not. */
const TERMINAL = "dumb";
/** START_TLS FOLLOWS (the Internet-Draft telnet-starttls). */
const FOLLOWS = 1;
/** Answers that may wait to be sent: a server that asks and never listens is at fault. */
const MOST_UNSENT = 1024 * 1024;

function isClosed(error: Error): boolean {
  return isClosedByPeer(error.cause);
}

/** Emits `mode`, `option` (an OptionChange), `subnegotiation` (option, octets) and `prompt` (GA or EOR came). */
export class TelnetStream extends Duplex implements Interaction {
  readonly draws = true;
  readonly signals = SIGNALS;
  readonly modes = MODES;
  readonly connection: Connection;
  /** The server asked for START-TLS, and was told no: it may wait for nothing else. */
  refusedTls = false;
  readonly #facts: TelnetFacts;
  readonly #reader = new TelnetReader();
  readonly #writer = new TelnetWriter();
  readonly #options: TelnetOptions;
  #types: TerminalTypes;
  #characters: Characters;
  #size: { columns: number; rows: number };
  #deflate: Deflate | undefined;
  readonly #lineMode = new LineMode();
  /** A person is there, whose keys are ours to make lines of. */
  #seated = false;
  /** The user's own choice of mode. */
  #chosen: "character" | "line" | undefined;
  #room: (() => void) | undefined;
  #begun = false;
  /** Something has come. */
  #heard = false;
  /** A line went out, and nothing has come since. */
  #lastWords = "";
  #lineSent = false;
  /** The line that is typed now is a password: a server that leaves the echo to us may have forgotten to take it back. */
  #asksPassword = false;

  constructor(connection: Connection, facts: TelnetFacts) {
    super({ allowHalfOpen: true });
    this.connection = connection;
    this.#facts = facts;
    this.#size = facts;
    this.#types = new TerminalTypes(facts.terminal ?? TERMINAL);
    this.#characters = facts.characters ?? AS_THEY_ARE;
    this.#options = new TelnetOptions((side, option) => this.#willing(side, option));
    // A failure reaches whoever reads or writes; before anybody does, the process must live on.
    this.on("error", () => {});
    // Whoever waits for room does not see the connection fail. Where the other side has closed it, what had come before is
    // read first.
    connection.once("close", () => {
      const { errored } = connection;
      if (errored !== null && !(this.#begun && isClosed(errored))) this.destroy(errored);
    });
  }

  /** Reads what comes from now on; nothing is answered before somebody wants to read. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#pump().catch((thrown: Error) => this.#lose(thrown));
  }

  /**
   * A server that closes while there is something that it has not read resets the connection: what it had said is all that
   * there is, as with any other end.
   */
  #lose(error: Error): void {
    if (this.#heard && isClosed(error)) this.push(null);
    else this.destroy(error);
  }

  /** What a person sits at, where the user's options do not say otherwise. */
  seat(screen: Screen): void {
    const { terminal, sized } = this.#facts;
    if (terminal === undefined) this.#types = new TerminalTypes(screen.type);
    if (!sized) this.resize(screen.columns, screen.rows);
    this.#seated = true;
  }

  /**
   * Each key at once, when the server echoes (RFC 857). That it lets go ahead too (RFC 858) is no condition: a
   * telnetd that edits lines itself takes that back, and a server that hides a password never says it.
   */
  get keys(): boolean {
    if (this.#chosen !== undefined) return this.#chosen === "character";
    if (this.isOn("us", TELNET_OPTION.LINEMODE)) return !this.#lineMode.edits;
    return this.isOn("them", TELNET_OPTION.ECHO);
  }

  /** Where the server wants LINEMODE: what is edited here is shown here, unless the server shows it (RFC 1184, 2.1). */
  get lineKeys(): LineKeys | undefined {
    if (this.#chosen !== undefined || !this.isOn("us", TELNET_OPTION.LINEMODE)) return undefined;
    if (!this.#lineMode.edits && !this.#lineMode.traps) return undefined;
    return this.#lineMode.keys(!this.isOn("them", TELNET_OPTION.ECHO) && !this.#asksPassword);
  }

  /** The options that are on, by name, with whose they are. */
  get agreed(): string[] {
    return this.#options.on.map(
      ({ side, option }) => `${shownOption(option)} (${side === "us" ? "ours" : "theirs"})`,
    );
  }

  isOn(side: TelnetSide, option: number): boolean {
    return this.#options.isOn(side, option);
  }

  resize(columns: number, rows: number): void {
    this.#size = { columns, rows };
    if (this.isOn("us", TELNET_OPTION.NAWS)) this.#transmit(windowSize(columns, rows));
  }

  /** @throws PortholeError `usage` for a name that is none */
  signal(name: string): string {
    if (name === "status") return this.#status();
    if (name === "character" || name === "line") {
      this.#chosen = name;
      this.emit("mode");
      return `mode ${name}`;
    }
    const octets = SIGNAL_OCTETS[name];
    if (octets === undefined) {
      throw new PortholeError("usage", `there is no signal '${name}'`, {
        hint: [...Object.keys(SIGNALS), ...Object.keys(MODES)].join(", "),
      });
    }
    this.#reader.markMayCome ||= MAY_BE_ANSWERED_BY_SYNCH.has(name);
    this.#transmit(this.#lineMode.flushes(name) ? Buffer.concat([octets, telnetCommand(TELNET.DM)]) : octets);
    return `sent ${name}`;
  }

  /** Asks the server for a change: `request("them", TELNET_OPTION.BINARY, true)`. */
  request(side: TelnetSide, option: number, on: boolean): void {
    const octets = this.#options.request(side, option, on);
    if (octets !== undefined) this.#transmit(octets);
  }

  override _read(): void {
    this.begin();
    this.#room?.();
    this.#room = undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const octets = this.#writer.data(this.#characters.outgoing(chunk));
    this.#options.spoken();
    this.#lineMode.spoken();
    this.#reader.markMayCome ||= INTERRUPTING.some((key) => chunk.includes(key));
    if (octets.includes(CR)) {
      this.#lineSent = true;
      this.#asksPassword = false;
    }
    // That it failed is told where it is read what had come before.
    this.#transmit(octets, (error) => done(error && this.#begun && isClosed(error) ? undefined : error));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.connection.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#room?.();
    this.#deflate?.destroy();
    this.connection.destroy();
    done(error);
  }

  #willing(side: TelnetSide, option: number): boolean {
    if (side === "us" && option === TELNET_OPTION.START_TLS) {
      const agreed = this.#facts.startTls && !this.connection.secure;
      this.refusedTls ||= !agreed && !this.connection.secure;
      return agreed;
    }
    // A program sends what it wants to send, and nobody edits it.
    if (side === "us" && option === TELNET_OPTION.LINEMODE) return this.#seated;
    return agreesTo(side, option);
  }

  async #pump(): Promise<void> {
    // Node's own iteration would destroy the connection at its end, with what is still to be sent.
    const coming: AsyncIterable<Buffer> = this.connection.iterator({ destroyOnReturn: false });
    let source = coming[Symbol.asyncIterator]();
    for (;;) {
      const { value, done } = await source.next();
      if (done === true) break;
      this.#heard = true;
      this.#reader.feed(value);
      for (let event = this.#reader.next(); event !== undefined; event = this.#reader.next()) {
        if (isCompression(event)) {
          this.#facts.note("the server compresses from here on (MCCP2)");
          source = inflated(this.#reader.takeRest(), source);
        } else await this.#take(event);
        if (this.destroyed) return;
      }
    }
    this.push(null);
  }

  async #take(event: TelnetEvent): Promise<void> {
    switch (event.type) {
      case "data": {
        this.#acknowledge();
        const octets = this.#characters.incoming(event.octets);
        this.#watchForPassword(octets);
        if (octets.length === 0 || this.push(octets)) return;
        await new Promise<void>((resolve) => {
          this.#room = resolve;
        });
        return;
      }
      case "command":
        if (event.command === TELNET.AYT) this.#transmit(telnetCommand(TELNET.NOP));
        if (event.command === TELNET.GA || event.command === TELNET.EOR) this.emit("prompt");
        return;
      case "offer": {
        const { reply, change } = this.#options.receive(event.verb, event.option);
        if (reply !== undefined) this.#transmit(reply);
        if (change !== undefined) this.#changed(change);
        return;
      }
      case "subnegotiation":
        await this.#subnegotiated(event.option, event.octets);
    }
  }

  /** What is typed there, by a person or by a script, goes into no transcript and no recording. */
  #watchForPassword(octets: Buffer): void {
    this.#lastWords = (this.#lastWords + octets.toString("latin1")).slice(-LAST_WORDS);
    if (!ASKS_PASSWORD.test(this.#lastWords)) return;
    this.connection.hideLine();
    this.#asksPassword = true;
    this.#lastWords = "";
  }

  /**
   * A telnetd writes the echo of a line and what follows it apart. Nagle's algorithm holds the second back until
   * the first is acknowledged, and the kernel takes 40 ms to do that by itself: a NOP carries it at once. Only a
   * server that has agreed to an option is known to understand one.
   */
  #acknowledge(): void {
    if (!this.#lineSent) return;
    this.#lineSent = false;
    if (this.#options.on.length > 0) this.#transmit(telnetCommand(TELNET.NOP));
  }

  #changed(change: OptionChange): void {
    const { side, option, on } = change;
    this.#facts.note(`${shownOption(option)} is ${on ? "on" : "off"} (${side === "us" ? "ours" : "theirs"})`);
    if (option === TELNET_OPTION.BINARY) {
      if (side === "us") this.#writer.binary = on;
      else this.#reader.binary = on;
    }
    if (side === "us" && on && option === TELNET_OPTION.NAWS) {
      this.#transmit(windowSize(this.#size.columns, this.#size.rows));
    }
    if (side === "us" && on && option === TELNET_OPTION.START_TLS) {
      this.#transmit(telnetSubnegotiation(TELNET_OPTION.START_TLS, Buffer.from([FOLLOWS])));
    }
    if (side === "them" && on && option === TELNET_OPTION.MCCP3) this.#compress();
    if (side === "us" && on && option === TELNET_OPTION.LINEMODE) this.#transmit(this.#lineMode.begin());
    this.emit("option", change);
    if (option === TELNET_OPTION.LINEMODE || (side === "them" && option === TELNET_OPTION.ECHO)) {
      this.emit("mode");
    }
  }

  async #subnegotiated(option: number, octets: Buffer): Promise<void> {
    this.emit("subnegotiation", option, octets);
    // What was not agreed to is not talked about.
    if (!this.isOn("us", option) && !this.isOn("them", option)) return;
    switch (option) {
      case TELNET_OPTION.TTYPE:
        this.#transmit(this.#types.answer(octets));
        return;
      case TELNET_OPTION.TSPEED:
        this.#transmit(speedAnswer(octets));
        return;
      case TELNET_OPTION.NEW_ENVIRON:
        this.#transmit(environmentAnswer(octets, this.#facts.environment));
        return;
      case TELNET_OPTION.LINEMODE:
        this.#transmit(this.#lineMode.answer(octets));
        this.emit("mode");
        return;
      case TELNET_OPTION.STATUS:
        this.#transmit(statusAnswer(octets, this.#options));
        return;
      case TELNET_OPTION.CHARSET:
        this.#transmit(charsetAnswer(octets, (name) => this.#speaks(name)).answer);
        return;
      case TELNET_OPTION.START_TLS:
        await this.#startTls(octets);
    }
  }

  /** The charset that the user named, or UTF-8. */
  #speaks(name: string): boolean {
    const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
    return plain(name) === plain(this.#characters.name);
  }

  async #startTls(octets: Buffer): Promise<void> {
    if (octets[0] !== FOLLOWS || this.connection.secure) return;
    await this.connection.startTls({ unread: this.#reader.takeRest() });
    this.emit("secure");
  }

  /** MCCP3: what we send is compressed from here on. */
  #compress(): void {
    if (this.#deflate !== undefined) return;
    this.#transmit(telnetSubnegotiation(TELNET_OPTION.MCCP3, Buffer.alloc(0)));
    const deflate = createDeflate();
    deflate.on("data", (octets: Buffer) => this.connection.write(octets));
    deflate.on("error", (error) => this.destroy(error));
    this.#deflate = deflate;
    this.#facts.note("what we send is compressed from here on (MCCP3)");
  }

  #transmit(octets: Buffer, done?: (error?: Error | null) => void): void {
    if (octets.length === 0 || this.connection.writableEnded || this.connection.destroyed) {
      done?.();
      return;
    }
    if (this.#deflate !== undefined) {
      this.#deflate.write(octets);
      this.#deflate.flush(constants.Z_SYNC_FLUSH, () => done?.());
    } else this.connection.write(octets, done);
    if (done === undefined && this.connection.writableLength > MOST_UNSENT) {
      this.destroy(new PortholeError("protocol", "the server asks for more than it listens to"));
    }
  }

  #status(): string {
    const lines = this.agreed.map((option) => `  ${option}`);
    return [
      `connected to ${this.connection.facts.host}:${this.connection.facts.port}, ${this.connection.secure ? "with" : "without"} TLS`,
      `mode ${this.keys ? "character" : "line"}, characters ${this.#characters.name}`,
      lines.length === 0 ? "no options are on" : "options that are on:",
      ...lines,
    ].join("\n");
  }
}

function isCompression(event: TelnetEvent): boolean {
  return event.type === "subnegotiation" && event.option === TELNET_OPTION.MCCP2;
}
