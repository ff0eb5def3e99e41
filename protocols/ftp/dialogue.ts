/**
 * Commands and replies on the control connection: basic-ftp's FTPContext, which keeps one command and its
 * replies together, over a Connection of ours.
 *
 * What is done otherwise than the package does it, because it was seen to fail: replies are put together from
 * whole lines (it takes a line that is cut between packets for two), a greeting that is no reply is an error
 * (it waits on), and what ends the connection is kept, with the server's last words.
 */
import { FTPContext, FTPError, type FTPResponse, type ResponseHandler } from "basic-ftp";
import { messageOf, PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { type Reply, ThreeDigitReplyReader } from "../../src/wire/replies.js";
import { textOf } from "./octets.js";

export class Dialogue extends FTPContext {
  readonly #replies = new ThreeDigitReplyReader({ multiline: "bracketed" });
  #connection: Connection | undefined;
  #failure: PortholeError | undefined;
  /** The last reply that nothing had asked for. */
  #unasked = "";

  constructor() {
    // No timeout: the limits are the Connection's. Latin-1: see octets.ts.
    super(0, "latin1");
  }

  /** Takes the control connection. */
  take(connection: Connection): void {
    this.#connection = connection;
    // Before the package's own listeners, whose words would say less.
    connection.on("end", () => this.closeWithError(this.#closedByServer()));
    connection.on("close", () => this.closeWithError(this.#closedByServer()));
    // The package's types ask for a net.Socket; its code is content with any Duplex that has a socket's setters.
    Reflect.set(this, "socket", connection);
  }

  /** Nothing can be asked any more. */
  get lost(): boolean {
    return this.#failure !== undefined;
  }

  /** A command waits for its answer. */
  get busy(): boolean {
    return this._task !== undefined;
  }

  /** Octets that came after the last answer: there must be none when TLS starts (RFC 4217, 15.1). */
  takeUnread(): Buffer {
    const unread = Buffer.concat([Buffer.from(this.#unasked, "latin1"), this.#replies.rest()]);
    this.#unasked = "";
    return unread;
  }

  /** @throws FTPError for 4yz and 5yz; PortholeError when the connection is lost */
  override async handle(command: string | undefined, responseHandler: ResponseHandler): Promise<FTPResponse> {
    this.#unasked = "";
    // The idle limit is for a server that owes an answer.
    this.beImpatient(true);
    try {
      const reply: FTPResponse = await super.handle(command, responseHandler);
      return reply;
    } catch (thrown) {
      if (thrown instanceof FTPError) throw thrown;
      throw this.#failure ?? thrown;
    } finally {
      this.beImpatient(false);
    }
  }

  /** Whether silence on this connection counts; it does not while data flow on the other. */
  beImpatient(impatient: boolean): void {
    if (this.#connection !== undefined) this.#connection.patient = !impatient;
  }

  override closeWithError(error: Error): void {
    this.#failure ??=
      error instanceof PortholeError ? error : new PortholeError("other", messageOf(error), { cause: error });
    super.closeWithError(this.#failure);
  }

  protected override _onControlSocketData(chunk: string): void {
    try {
      // The reader decodes UTF-8; so every octet goes in as the UTF-8 of its character, and comes out as it was.
      this.#replies.feed(Buffer.from(chunk, "utf8"));
      for (let reply = this.#replies.next(); reply !== undefined; reply = this.#replies.next()) {
        this.#pass(reply);
      }
    } catch (thrown) {
      this.closeWithError(thrown instanceof Error ? thrown : new Error(messageOf(thrown)));
    }
  }

  /** The package's own writes the connection's name into the error's message. */
  protected override _setupDefaultErrorHandlers(socket: FTPContext["socket"]): void {
    socket.once("error", (error) => this.closeWithError(error));
  }

  /** Ends it without the QUIT that the package would write to a connection it destroys in the same breath. */
  protected override _closeControlSocket(): void {
    this._closeSocket(this._socket);
  }

  #pass(reply: Reply): void {
    const response = { code: reply.code, message: messageOfReply(reply) };
    if (this._task === undefined) this.#unasked = response.message;
    else this._passToHandler(response.code >= 400 ? new FTPError(response) : response);
  }

  #closedByServer(): PortholeError {
    if (this.#replies.partial) {
      return new PortholeError("protocol", "the server closed the connection in the middle of an answer");
    }
    return new PortholeError("connect", "the server closed the connection", {
      reply: this.#unasked === "" ? undefined : textOf(this.#unasked),
    });
  }
}

/** As it came, with LF between lines: the form that the package knows. */
function messageOfReply({ code, lines }: Reply): string {
  const last = lines.length - 1;
  return lines
    .map((line, at) => {
      if (at === last) return line === "" ? `${code}` : `${code} ${line}`;
      return at === 0 ? `${code}-${line}` : line;
    })
    .join("\n");
}
