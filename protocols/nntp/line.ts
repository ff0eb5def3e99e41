/** The way to the server: one connection, and another in its place when it is lost between two calls. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Target } from "../../src/plugin.js";
import { meet } from "./meet.js";
import type { Peer } from "./peer.js";

export class Line {
  readonly target: Target;
  readonly context: Context;
  #peer: Peer;
  #closed = false;
  #leftEarly = false;

  private constructor(peer: Peer, target: Target, context: Context) {
    this.#peer = peer;
    this.target = target;
    this.context = context;
  }

  static async open(target: Target, context: Context): Promise<Line> {
    return new Line(await meet(target, context), target, context);
  }

  /**
   * The server, met anew when the connection is gone: servers end it after some minutes of silence (400), and an
   * answer that is left early may end it.
   */
  async peer(): Promise<Peer> {
    if (this.#closed) throw new PortholeError("aborted", "the session was closed");
    if (this.#leftEarly) await this.#settle();
    if (this.#peer.dialogue.failure !== undefined) {
      this.context.note("the connection is gone; connecting again");
      this.#peer = await meet(this.target, this.context);
    }
    return this.#peer;
  }

  /** An answer is not wanted to its end. It passes when it is short, and ends the connection when it is long. */
  leftEarly(): void {
    this.#leftEarly = true;
  }

  /** Until it has passed: an answer to something else comes behind it. */
  async #settle(): Promise<void> {
    this.#leftEarly = false;
    try {
      await this.#peer.ask(["DATE"]);
    } catch {
      this.#peer.connection.destroy();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#peer.leave();
  }
}
