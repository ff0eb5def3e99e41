/** One transfer: a command, a data connection, and the replies that open and close it (RFC 959, 5.4). */
import { FTPError, type FTPResponse, type TaskResolver } from "basic-ftp";
import { messageOf, PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Dialogue } from "./dialogue.js";
import { refusal, wordsOf } from "./refusal.js";

/** Milliseconds that a server has to close a transfer which we left. */
const FAREWELL_MS = 2000;
/** Milliseconds that a server has to hear ABOR before the data connection is closed under it. */
const ABORT_MS = 300;

export class Transfer {
  /** Where in the file it begins. */
  readonly offset: number;
  /** The first reply: the transfer begins (1yz), is over already (2yz), or was refused. */
  readonly begun: Promise<FTPResponse>;
  /** The reply that closes it; rejects when the control connection is lost. */
  readonly ended: Promise<FTPResponse>;
  readonly #dialogue: Dialogue;
  readonly #takesFile: boolean;
  #data: Connection | undefined;
  #left = false;
  #final: FTPResponse | undefined;
  #cancelled = false;
  #begin: (reply: FTPResponse) => void = () => {};

  /**
   * Sends the command.
   * @param takesFile it sends a file to the server, for which an end of the data is the end of the file
   */
  constructor(dialogue: Dialogue, command: string, offset: number, takesFile: boolean) {
    this.#dialogue = dialogue;
    this.#takesFile = takesFile;
    this.offset = offset;
    const first = new Promise<FTPResponse>((resolve) => {
      this.#begin = resolve;
    });
    this.ended = dialogue.handle(command, (reply, task) => this.#hear(reply, task));
    this.begun = Promise.race([first, this.ended]);
    this.begun.catch(() => {});
    // Without the control connection nobody will say whether the data are whole. What a file has on its way here still comes:
    // whoever asked for it leaves when that has ended.
    this.ended.catch(() => {
      if (takesFile) this.leave();
    });
  }

  /** To be read or written by whoever asked for the transfer. */
  get data(): Connection {
    if (this.#data === undefined) throw new PortholeError("other", "the transfer has no data connection yet");
    return this.#data;
  }

  /** The data connection has come about. */
  carry(data: Connection): void {
    this.#data = data;
    // From the first moment: one that is left before anything was sent must not be an empty file.
    data.resetsWhenLeft = this.#takesFile;
    if (this.#left) data.destroy();
  }

  /** Closes the data connection, be it there or still to come. */
  leave(): void {
    this.#left = true;
    this.#data?.destroy();
  }

  /** The closing reply, once it has come. */
  get final(): FTPResponse | undefined {
    return this.#final;
  }

  /** The data connection is at its end: the closing reply. @throws PortholeError unless it says that all went well */
  async finish(): Promise<FTPResponse> {
    // Our end of it, too: vsftpd waits for the close of TLS before it says that all went well.
    if (!this.data.writableEnded) this.data.end();
    this.#dialogue.beImpatient(true);
    const reply = await this.ended;
    this.data.destroy();
    if (reply.code >= 300) throw refusal(reply);
    return reply;
  }

  /** Leaves a transfer that brings data. The session is usable afterwards, or closed. */
  async abandon(): Promise<void> {
    this.leave();
    await this.#hearOut();
  }

  /**
   * Leaves a transfer that takes data. To a server the end of the data connection is the end of the file, so it
   * is told first (RFC 959, 4.1.3, ABOR); the answer to NOOP says that it has answered all before it.
   */
  async cancel(): Promise<void> {
    if (this.#final === undefined && !this.#dialogue.lost) {
      this.#cancelled = true;
      this.#dialogue.send("ABOR");
      this.#dialogue.send("NOOP");
      await this.#endsWithin(ABORT_MS);
    }
    await this.abandon();
  }

  /**
   * Why the data connection broke: the server's own words when it has some, which come on the control
   * connection and may come later.
   */
  async explain(thrown: unknown): Promise<PortholeError> {
    this.leave();
    await this.#hearOut();
    const said = this.#final;
    if (said !== undefined && said.code >= 300) return refusal(said);
    if (thrown instanceof PortholeError && thrown.code !== "connect") return thrown;
    return new PortholeError("protocol", `the transfer broke off: ${messageOf(thrown)}`, {
      cause: thrown,
      ...(said === undefined ? {} : { reply: wordsOf(said) }),
    });
  }

  #hear(reply: FTPResponse | Error, task: TaskResolver): void {
    const said = reply instanceof FTPError ? { code: reply.code, message: reply.message } : reply;
    if (said instanceof Error) {
      task.reject(said);
      return;
    }
    this.#begin(said);
    if (said.code < 200) return;
    this.#final ??= said;
    if (!this.#cancelled || said.code === 200) task.resolve(said);
  }

  async #hearOut(): Promise<void> {
    if (await this.#endsWithin(FAREWELL_MS)) return;
    this.#dialogue.closeWithError(
      new PortholeError("protocol", "the server did not close the last transfer, so the session was closed"),
    );
  }

  async #endsWithin(milliseconds: number): Promise<boolean> {
    if (this.#final !== undefined && !this.#cancelled) return true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), milliseconds);
    });
    const over = this.ended.then(
      () => true,
      () => true,
    );
    const ended = await Promise.race([late, over]);
    clearTimeout(timer);
    return ended;
  }
}
