/**
 * The control connection: basic-ftp's client, with its ways to a connection, to TLS and to a data connection
 * replaced by Porthole's dialer, so that proxies, TLS policy, limits and transcript hold on all of them.
 */
import { Client, FTPError, type FTPResponse, type ResponseHandler } from "basic-ftp";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Context, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { ActiveWays, type DataWay, type DataWays, PassiveWays } from "./data-way.js";
import { Dialogue } from "./dialogue.js";
import { homeOf } from "./home.js";
import { AS_THEY_ARE, type Names } from "./names.js";
import type { FtpPath } from "./path.js";
import { Refusal, refusal, wordsOf } from "./refusal.js";
import { Transfer } from "./transfer.js";

/** Milliseconds that QUIT may take. */
const QUIT_MS = 1000;
/** Milliseconds that a data connection has to come about when its transfer is over already: octets may be on their way. */
const BEHIND_MS = 200;
/** Milliseconds that a server has to connect to us, from its word that it will. */
const ACTIVE_MS = 60_000;

export interface TransferOptions {
  /** The octet to begin at (REST, RFC 3659, 5); `Transfer.offset` tells whether the server heard. */
  readonly offset?: number;
  /** What 550 means for this command. */
  readonly unavailable?: "missing";
  /** Much will come. */
  readonly bulk?: boolean;
  /** A file goes to the server. */
  readonly takesFile?: boolean;
  /** What was sent before, and must have succeeded before the transfer's command goes out. */
  readonly after?: Promise<void> | undefined;
  /**
   * The command does not wait for the data connection, though it is the first: a way less. Where there is no way at
   * all the session is lost with it, for the server waits on.
   */
  readonly eager?: boolean;
}

/** A transfer whose command is sent; `ready` when the server agreed and the data connection is there. */
export interface Launched {
  readonly transfer: Transfer;
  readonly ready: Promise<Transfer>;
}

export class Control extends Client {
  override readonly ftp = new Dialogue();
  /** Data connections are to carry TLS (PROT P). */
  protectedData = false;
  /** The greeting, and how long it took. */
  met: { readonly greeting: FTPResponse; readonly ms: number } | undefined;
  /** Milliseconds. */
  loginMs = 0;
  readonly #target: Target;
  readonly #context: Context;
  #connection: Connection | undefined;
  #features: readonly string[] | undefined;
  #home: Promise<string> | undefined;
  #type: "A" | "I" | undefined;
  #typing: Promise<void> = Promise.resolve();
  /** How names of URLs go over the wire. */
  names: Names = AS_THEY_ARE;
  /** The server refuses commands while data flow: nothing is sent behind a transfer. */
  refusesAhead = false;
  /** The server said that it closes the session (421). */
  #leaving = false;
  readonly ways: DataWays;
  /** A data connection came about: the next one's command need not wait for it. */
  #dataWorks = false;
  #keepAlive: NodeJS.Timeout | undefined;
  /** The control connection's TLS, where it has ended: data connections go on resuming it. */
  #resumed: { session?: Buffer; group?: string } | undefined;

  constructor(target: Target, context: Context) {
    super(0);
    this.#target = target;
    this.#context = context;
    this.ways =
      context.options["active"] === true
        ? new ActiveWays(this, context)
        : new PassiveWays(this, target, context);
  }

  /** The session can be asked nothing any more. */
  get over(): boolean {
    return this.ftp.lost || this.#leaving;
  }

  /** What the package calls before a transfer of its own, which would pass by the dialer. */
  override prepareTransfer = (): Promise<never> =>
    Promise.reject(new PortholeError("other", "FTP transfers go through Control.transfer"));

  get connection(): Connection {
    if (this.#connection === undefined) throw new PortholeError("other", "FTP is not connected");
    return this.#connection;
  }

  /** Connects, with TLS when the scheme has it from the first octet, and hears the greeting. @throws PortholeError */
  override async connect(): Promise<FTPResponse> {
    const { host, port, url, tls } = this.#target;
    const always = tls === "always";
    const connection = await this.#context.dial({
      host,
      port,
      scheme: url.scheme,
      patient: true,
      ...(always && !this.#clears ? { tls: {} } : {}),
    });
    this.#connection = connection;
    if (always && this.#clears) await connection.startTls({ removable: true });
    this.ftp.take(connection);
    const began = performance.now();
    const greeting = await this.ftp.handle(undefined, untilFinal);
    this.met = { greeting, ms: performance.now() - began };
    if (greeting.code >= 300) throw refusal(greeting);
    return greeting;
  }

  override connectImplicitTLS(): Promise<FTPResponse> {
    return this.connect();
  }

  /** Asks for TLS, and starts it when the answer is 234 (RFC 4217, 4). @throws PortholeError `tls` */
  override async useTLS(): Promise<FTPResponse> {
    const reply = await this.ask("AUTH TLS");
    if (reply.code !== 234) return reply;
    await this.connection.startTls({ unread: this.ftp.takeUnread(), removable: this.#clears });
    return reply;
  }

  /**
   * CCC: what is said from now on goes in clear, files under TLS as before (RFC 4217, 5).
   * @throws Refusal when the server keeps TLS
   */
  async clear(): Promise<void> {
    this.connection.outliveTls();
    const reply = await this.ask("CCC");
    if (reply.code !== 200) throw new Refusal(reply, "refused", "leave out --ccc");
    this.#resumed = this.#ownTls();
    await this.connection.stopTls();
  }

  /** CCC is wanted: TLS has to be such that it can be taken off. */
  get #clears(): boolean {
    return this.#context.options["ccc"] === true;
  }

  #ownTls(): { session?: Buffer; group?: string } {
    const session = this.connection.tlsSession;
    const group = this.connection.facts.tls?.group;
    return { ...(group === undefined ? {} : { group }), ...(session === undefined ? {} : { session }) };
  }

  /**
   * Sends a command (octets) and gives its final reply, whatever it says.
   * @throws PortholeError `usage` for CR, LF and NUL, `busy` for 421, and when the connection is lost
   */
  async ask(command: string): Promise<FTPResponse> {
    refuseControls(command, "an FTP command");
    const reply = await this.ftp.handle(command, untilFinal);
    // RFC 959, 5.4: the answer to any command when the server shuts down.
    if (reply.code === 421) {
      this.#leaving = true;
      throw refusal(reply);
    }
    return reply;
  }

  /** The same for several, sent together; the answers in their order. */
  async askTogether(commands: readonly string[]): Promise<FTPResponse[]> {
    let asked: Promise<FTPResponse>[] = [];
    this.ftp.together(() => {
      asked = commands.map((command) => this.ask(command));
    });
    return Promise.all(asked);
  }

  /**
   * NOOP after so many seconds of silence, so that neither the server nor a firewall takes a long transfer or a
   * pause for the end. One at a time: servers that do not listen while data flow answer it afterwards.
   */
  keepAlive(seconds: number): void {
    if (seconds <= 0) return;
    this.connection.setKeepAlive(true, Math.min(seconds, 60) * 1000);
    let unanswered = false;
    this.#keepAlive = setInterval(
      () => {
        if (unanswered || this.ftp.lost || performance.now() - this.ftp.lastWord < seconds * 1000) return;
        unanswered = true;
        const answered = () => {
          unanswered = false;
        };
        this.ftp.handle("NOOP", untilFinal).then(answered, answered);
      },
      Math.min(seconds * 250, 15_000),
    ).unref();
  }

  /** The lines of FEAT (RFC 2389, 3.2), as octets without their indent; none when the server does not know it. */
  async featureLines(): Promise<readonly string[]> {
    if (this.#features === undefined) {
      const reply = await this.ask("FEAT");
      const lines = reply.code === 211 ? reply.message.split("\n").slice(1, -1) : [];
      this.#features = lines.map((line) => line.trim()).filter((line) => line !== "");
    }
    return this.#features;
  }

  /** The parameters of a feature, empty when it has none; undefined when the server does not list it. */
  async feature(name: string): Promise<string | undefined> {
    for (const line of await this.featureLines()) {
      const [, word = "", parameters = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
      if (word.toUpperCase() === name) return parameters;
    }
    return undefined;
  }

  /** What to write in a command for a path: always from the root, so that no name begins with `-` or a space. */
  async pathname(path: FtpPath): Promise<string> {
    const home = path.absolute ? "" : await this.home();
    return `${home.replace(/\/$/, "")}/${path.octets}`.replace(/(?<=.)\/$/, "");
  }

  hasType(type: "A" | "I"): boolean {
    return this.#type === type;
  }

  /** Octets as they are, or line ends as the network has them (RFC 959, 3.1.1). */
  useType(type: "A" | "I"): Promise<void> {
    if (this.#type !== type) {
      this.#type = type;
      this.#typing = this.#setType(type);
    }
    return this.#typing;
  }

  async #setType(type: "A" | "I"): Promise<void> {
    try {
      const reply = await this.ask(`TYPE ${type}`);
      if (reply.code >= 300) throw refusal(reply);
    } catch (thrown) {
      this.#type = undefined;
      throw thrown;
    }
  }

  /**
   * Begins a transfer. Whoever asks must end it: `finish`, `abandon` or `cancel`.
   * @param command with its pathname, as octets
   */
  async transfer(command: string, options: TransferOptions = {}): Promise<Transfer> {
    // Before a data connection is there to be left open.
    refuseControls(command, "an FTP command");
    const way = await this.ways.arrange();
    let early: Connection | undefined;
    try {
      await options.after;
      // The first shows whether there is a way at all; then it and the command are on their way at the same time.
      if (!this.ways.late && !this.#dataWorks && options.eager !== true)
        early = await way.open(this.#isBulk(options));
      const offset = await this.#restartAt(options.offset ?? 0);
      return await this.launch(command, way, { ...options, offset }, early).ready;
    } catch (thrown) {
      early?.destroy();
      way.close();
      throw thrown;
    }
  }

  /** Sends the command of a transfer, and has its data connection come about meanwhile. */
  launch(command: string, way: DataWay, options: TransferOptions = {}, early?: Connection): Launched {
    refuseControls(command, "an FTP command");
    const transfer = new Transfer(this.ftp, command, options.offset ?? 0, options.takesFile === true);
    // 421 answers any command, also a transfer's (RFC 959, 5.4): nothing can be asked behind it.
    const heard = ({ code }: FTPResponse): void => {
      if (code === 421) this.#leaving = true;
    };
    transfer.begun.then(heard, () => {});
    transfer.ended.then(heard, () => {});
    const connected = this.#connect(transfer, early ?? way.open(this.#isBulk(options)));
    connected.catch(() => {});
    return { transfer, ready: this.#ready(transfer, connected, way, options) };
  }

  /** A buffer that is used again and again serves in clear alone. */
  #isBulk({ bulk = false }: TransferOptions): boolean {
    return bulk && !this.protectedData;
  }

  async #connect(transfer: Transfer, opening: Connection | Promise<Connection>): Promise<void> {
    const data = await opening;
    transfer.carry(data);
    if (!this.protectedData) return;
    // Resuming the control connection's session: servers insist (RFC 4217, 10.2).
    await data.startTls({ servername: this.#target.host, ...(this.#resumed ?? this.#ownTls()) });
  }

  async #ready(
    transfer: Transfer,
    connected: Promise<void>,
    way: DataWay,
    { unavailable, takesFile = false }: TransferOptions,
  ): Promise<Transfer> {
    let agreed = false;
    let timer: NodeJS.Timeout | undefined;
    try {
      const reply = await Promise.race([transfer.begun, connected.then(() => transfer.begun)]);
      if (reply.code >= 300) throw refusal(reply, unavailable);
      agreed = true;
      const refused = transfer.ended.then((last) => {
        if (last.code < 300) return connected;
        throw refusal(last);
      });
      const late = new Promise<never>((_, reject) => {
        if (!this.ways.late) return;
        timer = setTimeout(() => reject(notConnected()), ACTIVE_MS);
      });
      await Promise.race([connected, refused, late]).catch((thrown: unknown) => {
        if (takesFile) throw thrown;
        // The server had begun: what it sent before it stopped may be heard of after its last word.
        return withinOr(connected, BEHIND_MS, thrown);
      });
      this.#dataWorks = true;
      return transfer;
    } catch (thrown) {
      way.close();
      if (thrown instanceof Refusal) transfer.leave();
      else await transfer.abandon();
      const said = transfer.final;
      if (thrown instanceof Refusal || !(thrown instanceof PortholeError)) throw thrown;
      if (said === undefined || said.code < 300) throw thrown;
      // A refused RETR may take the data connection with it before the refusal is read: ProFTPD resets it.
      if (!agreed) throw refusal(said, unavailable);
      throw new PortholeError(thrown.code, thrown.message, { cause: thrown, reply: wordsOf(said) });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Says goodbye, waits a second at most, and closes. */
  async quit(): Promise<void> {
    if (!this.ftp.busy && !this.ftp.lost && this.#connection !== undefined) {
      await withinOr(this.ftp.handle("QUIT", untilFinal), QUIT_MS, undefined).catch(() => {});
    }
    this.drop();
  }

  drop(): void {
    clearInterval(this.#keepAlive);
    this.ftp.closeWithError(new PortholeError("aborted", "the FTP session was closed"));
    this.#connection?.destroy();
  }

  /** The folder that the login led to; asked for once. */
  home(): Promise<string> {
    this.#home ??= homeOf(this);
    // Whoever needs it hears of a refusal.
    this.#home.catch(() => {});
    return this.#home;
  }

  /** The octet that the next transfer begins at: the one asked for, or 0 where REST is not known. */
  async #restartAt(offset: number): Promise<number> {
    if (offset === 0) return 0;
    const reply = await this.ask(`REST ${offset}`);
    if (reply.code >= 400 && reply.code < 500) throw refusal(reply);
    return reply.code === 350 ? offset : 0;
  }
}

/** @param failure thrown when it has not come about within so many milliseconds */
async function withinOr<T>(promise: Promise<T>, milliseconds: number, failure: unknown): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(failure), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function notConnected(): PortholeError {
  return new PortholeError("timeout", `the server did not connect within ${ACTIVE_MS / 1000} s`, {
    hint: "a firewall or NAT may be in between; leave out --active",
  });
}

/** Passes over 1yz, which promise another reply (RFC 959, 4.2.1), and gives the one that counts. */
const untilFinal: ResponseHandler = (reply, task) => {
  if (reply instanceof FTPError) task.resolve({ code: reply.code, message: reply.message });
  else if (reply instanceof Error) task.reject(reply);
  else if (reply.code >= 200) task.resolve(reply);
};
