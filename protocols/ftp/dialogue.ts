/**
 * Commands and replies on the control connection: basic-ftp's FTPContext over a Connection of ours.
 *
 * What is done otherwise than the package does it, because it was seen to fail: replies are put together from
 * whole lines (it takes a line that is cut between packets for two), a greeting that is no reply is an error
 * (it waits on), and what ends the connection is kept, with the server's last words. And commands may be sent
 * ahead: each waits in line for its replies, where the package ends the session at the second.
 */
import { FTPContext, FTPError, type FTPResponse, type ResponseHandler, type TaskResolver } from "basic-ftp";
import { messageOf, PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { type Reply, ThreeDigitReplyReader } from "../../src/wire/replies.js";
import { textOf } from "./octets.js";

const ABOR = Buffer.from("ABOR\r\n");

/** A command that was sent, until its last reply. */
interface Waiting {
  readonly handler: ResponseHandler;
  readonly resolver: TaskResolver;
  /** A reply has promised another: data flow. */
  flowing: boolean;
}

export class Dialogue extends FTPContext {
  readonly #waiting: Waiting[] = [];
  readonly #replies = new ThreeDigitReplyReader({ multiline: "bracketed" });
  #connection: Connection | undefined;
  #failure: PortholeError | undefined;
  /** The last reply that nothing had asked for. */
  #unasked = "";
  /** The server said that it closes the session (421), and nothing had asked for that. */
  #farewell = "";

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
    return this.#waiting.length > 0;
  }

  /** Milliseconds of performance.now(), when something was last sent or heard. */
  lastWord = performance.now();

  /** What `send` sends goes out together: one packet, one way. */
  together(send: () => void): void {
    this.#connection?.cork();
    try {
      send();
    } finally {
      this.#connection?.uncork();
    }
  }

  /** Octets that came after the last answer: there must be none when TLS starts (RFC 4217, 15.1). */
  takeUnread(): Buffer {
    const unread = Buffer.concat([Buffer.from(this.#unasked, "latin1"), this.#replies.rest()]);
    this.#unasked = "";
    return unread;
  }

  /**
   * Sends a command at once, and gives its replies to the handler when those before it have all come.
   * @throws FTPError for 4yz and 5yz; PortholeError when the connection is lost
   */
  override handle(command: string | undefined, responseHandler: ResponseHandler): Promise<FTPResponse> {
    this.#unasked = "";
    return new Promise<FTPResponse>((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      const settled = () => {
        const place = this.#waiting.indexOf(waiting);
        if (place >= 0) this.#waiting.splice(place, 1);
        this.#care();
      };
      const waiting: Waiting = {
        handler: responseHandler,
        flowing: false,
        resolver: {
          resolve: (reply: FTPResponse) => {
            settled();
            resolve(reply);
          },
          reject: (error: Error) => {
            settled();
            reject(error instanceof FTPError ? error : (this.#failure ?? error));
          },
        },
      };
      this.#waiting.push(waiting);
      this.#care();
      this.lastWord = performance.now();
      if (command === undefined) return;
      try {
        this.send(command);
      } catch (thrown) {
        waiting.resolver.reject(thrown instanceof Error ? thrown : new Error(messageOf(thrown)));
      }
    });
  }

  /** Whether silence on this connection counts; it does not while data flow on the other. */
  beImpatient(impatient: boolean): void {
    if (this.#connection !== undefined) this.#connection.patient = !impatient;
  }

  override closeWithError(error: Error): void {
    const failure =
      this.#failure ??
      (error instanceof PortholeError
        ? error
        : new PortholeError("other", messageOf(error), { cause: error }));
    this.#failure = failure;
    super.closeWithError(failure);
    for (const { handler, resolver } of this.#waiting.splice(0)) {
      handler(failure, resolver);
      // A handler may keep it to itself; whoever waits must not wait for ever.
      resolver.reject(failure);
    }
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
    this.lastWord = performance.now();
    const waiting = this.#whoAsked(response);
    if (waiting === undefined) {
      this.#unasked = response.message;
      if (response.code === 421) this.#farewell = response.message;
      return;
    }
    if (response.code < 200) {
      waiting.flowing = true;
      this.#care();
    }
    try {
      waiting.handler(response.code >= 400 ? new FTPError(response) : response, waiting.resolver);
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
      waiting.resolver.reject(error);
      this.closeWithError(error);
    }
  }

  /**
   * Replies come in the order of the commands (RFC 959, 5.4), but for servers that listen while data flow: they
   * answer what was sent behind a transfer before they say how the transfer ended, or refuse it.
   */
  #whoAsked(reply: FTPResponse): Waiting | undefined {
    const [first, second] = this.#waiting;
    return first?.flowing === true && second !== undefined && isNoEndOfTransfer(reply) ? second : first;
  }

  /** The idle limit is for a server that owes an answer; while data flow, theirs is the silence that counts. */
  #care(): void {
    const [first] = this.#waiting;
    this.beImpatient(first !== undefined && !first.flowing);
    // A person who interrupts a transfer leaves at once; the server hears that it was not the end (RFC 959, 4.1.3).
    if (this.#connection !== undefined)
      this.#connection.lastWords = first?.flowing === true ? ABOR : undefined;
  }

  #closedByServer(): PortholeError {
    if (this.#replies.partial) {
      return new PortholeError("protocol", "the server closed the connection in the middle of an answer");
    }
    const said = this.#unasked || this.#farewell;
    return new PortholeError("connect", "the server closed the connection", {
      reply: said === "" ? undefined : textOf(said),
    });
  }
}

/** What NOOP, SIZE, MDTM, PASV, EPSV and MLST are answered with, and what refuses a command while data flow. */
function isNoEndOfTransfer({ code, message }: FTPResponse): boolean {
  if ([200, 211, 213, 227, 229].includes(code)) return true;
  if (code === 250) return message.includes("\n");
  return code >= 400 && isRefusedAhead(message);
}

/** ProFTPD: "450 EPSV: data transfer in progress". */
export function isRefusedAhead(message: string): boolean {
  return /\btransfer\b.*\bin progress\b/i.test(message);
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
