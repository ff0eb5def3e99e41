/**
 * The control connection: basic-ftp's client, with its ways to a connection, to TLS and to a data connection
 * replaced by Porthole's dialer, so that proxies, TLS policy, limits and transcript hold on all of them.
 */
import { Client, FTPError, type FTPResponse, type ResponseHandler } from "basic-ftp";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Context, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { Dialogue } from "./dialogue.js";
import { extendedPort, passiveAddress } from "./passive.js";
import type { FtpPath } from "./path.js";
import { refusal, wordsOf } from "./refusal.js";
import { Transfer } from "./transfer.js";

/** Milliseconds that QUIT may take. */
const QUIT_MS = 1000;

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
  #home: string | undefined;
  #type: "A" | "I" | undefined;
  /** EPSV was refused. */
  #oldPassive = false;

  constructor(target: Target, context: Context) {
    super(0);
    this.#target = target;
    this.#context = context;
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
    const secure = tls === "always" ? { tls: {} } : {};
    this.#connection = await this.#context.dial({
      host,
      port,
      scheme: url.scheme,
      patient: true,
      ...secure,
    });
    this.ftp.take(this.#connection);
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
    if (reply.code === 234) await this.connection.startTls({ unread: this.ftp.takeUnread() });
    return reply;
  }

  /**
   * Sends a command (octets) and gives its final reply, whatever it says.
   * @throws PortholeError `usage` for CR, LF and NUL, `busy` for 421, and when the connection is lost
   */
  async ask(command: string): Promise<FTPResponse> {
    refuseControls(command, "an FTP command");
    const reply = await this.ftp.handle(command, untilFinal);
    // RFC 959, 5.4: the answer to any command when the server shuts down.
    if (reply.code === 421) throw refusal(reply);
    return reply;
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
    const home = path.absolute ? "" : await this.#homeFolder();
    return `${home.replace(/\/$/, "")}/${path.octets}`.replace(/(?<=.)\/$/, "");
  }

  /** Octets as they are, or line ends as the network has them (RFC 959, 3.1.1). */
  async useType(type: "A" | "I"): Promise<void> {
    if (this.#type === type) return;
    const reply = await this.ask(`TYPE ${type}`);
    if (reply.code >= 300) throw refusal(reply);
    this.#type = type;
  }

  /**
   * Begins a transfer. Whoever asks must end it: `finish`, `abandon` or `cancel`.
   * @param command with its pathname, as octets
   * @param offset the octet to begin at (REST, RFC 3659, 5); `Transfer.offset` tells whether the server heard
   * @param unavailable what 550 means for this command
   */
  async transfer(
    command: string,
    options: { offset?: number; unavailable?: "missing" } = {},
  ): Promise<Transfer> {
    // Before a data connection is there to be left open.
    refuseControls(command, "an FTP command");
    const data = await this.#openData();
    try {
      const offset = await this.#restartAt(options.offset ?? 0);
      const transfer = new Transfer(this.ftp, data, command, offset);
      const reply = await transfer.begun;
      if (reply.code >= 300) throw refusal(reply, options.unavailable);
      if (this.protectedData) await this.#secure(transfer);
      return transfer;
    } catch (thrown) {
      data.destroy();
      throw thrown;
    }
  }

  /** Says goodbye, waits a second at most, and closes. */
  async quit(): Promise<void> {
    if (!this.ftp.busy && !this.ftp.lost && this.#connection !== undefined) {
      let timer: NodeJS.Timeout | undefined;
      const enough = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, QUIT_MS);
      });
      await Promise.race([enough, this.ftp.handle("QUIT", untilFinal).catch(() => {})]);
      clearTimeout(timer);
    }
    this.drop();
  }

  drop(): void {
    this.ftp.closeWithError(new PortholeError("aborted", "the FTP session was closed"));
    this.#connection?.destroy();
  }

  /** The folder that the login led to (RFC 959, appendix II: quotes within the name are doubled). */
  async #homeFolder(): Promise<string> {
    if (this.#home === undefined) {
      const reply = await this.ask("PWD");
      if (reply.code !== 257) throw refusal(reply);
      const quoted = /^257[ -]"((?:[^"]|"")*)"/.exec(reply.message)?.[1];
      const bare = /^257[ -](\/\S*)/.exec(reply.message)?.[1];
      const folder = quoted?.replaceAll('""', '"') ?? bare;
      if (folder === undefined) {
        throw new PortholeError("protocol", "the server does not say which folder it is in", {
          reply: wordsOf(reply),
        });
      }
      this.#home = folder;
    }
    return this.#home;
  }

  /** The octet that the next transfer begins at: the one asked for, or 0 where REST is not known. */
  async #restartAt(offset: number): Promise<number> {
    if (offset === 0) return 0;
    const reply = await this.ask(`REST ${offset}`);
    if (reply.code >= 400 && reply.code < 500) throw refusal(reply);
    return reply.code === 350 ? offset : 0;
  }

  /** A passive data connection, still in clear. */
  async #openData(): Promise<Connection> {
    const port = await this.#passivePort();
    const { host, url } = this.#target;
    const { address, proxy } = this.connection.facts;
    try {
      // Of a name with several addresses, the one that the control connection is at.
      const data = await this.#context.dial({
        host: proxy === undefined ? (address ?? host) : host,
        port,
        scheme: url.scheme,
        purpose: "data",
      });
      // Whoever reads it listens; until then a reset must not go unheard as an exception.
      data.on("error", () => {});
      return data;
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || thrown.code === "aborted") throw thrown;
      throw new PortholeError(thrown.code, `no data connection: ${thrown.message}`, {
        cause: thrown,
        hint: "a firewall may shut the server's passive ports",
      });
    }
  }

  /** EPSV (RFC 2428, 3), and PASV where it is not known. The address in PASV's reply is never followed. */
  async #passivePort(): Promise<number> {
    if (!this.#oldPassive) {
      const reply = await this.ask("EPSV");
      if (reply.code === 229) return extendedPort(reply);
      if (reply.code < 500) throw refusal(reply);
      this.#oldPassive = true;
    }
    const reply = await this.ask("PASV");
    if (reply.code !== 227) throw refusal(reply);
    const { host, port } = passiveAddress(reply);
    if (host !== this.connection.facts.address) {
      this.#context.note(`PASV names ${host}; connecting to the server's own address instead`);
    }
    return port;
  }

  /** TLS on the data connection, resuming the control connection's session: servers insist (RFC 4217, 10.2). */
  async #secure(transfer: Transfer): Promise<void> {
    const session = this.connection.tlsSession;
    try {
      await transfer.data.startTls({
        servername: this.#target.host,
        ...(session === undefined ? {} : { session }),
      });
    } catch (thrown) {
      await transfer.abandon();
      const said = transfer.final;
      if (!(thrown instanceof PortholeError) || said === undefined || said.code < 300) throw thrown;
      throw new PortholeError("tls", thrown.message, { cause: thrown, reply: wordsOf(said) });
    }
  }
}

/** Passes over 1yz, which promise another reply (RFC 959, 4.2.1), and gives the one that counts. */
const untilFinal: ResponseHandler = (reply, task) => {
  if (reply instanceof FTPError) task.resolve({ code: reply.code, message: reply.message });
  else if (reply instanceof Error) task.reject(reply);
  else if (reply.code >= 200) task.resolve(reply);
};
