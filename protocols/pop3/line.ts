/** The way to the server: one connection, and another in its place when it is lost between two calls. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Target } from "../../src/plugin.js";
import { enableUtf8, speak } from "./language.js";
import { logIn } from "./login.js";
import { Maildrop } from "./maildrop.js";
import { meet } from "./meet.js";
import type { Peer } from "./peer.js";

export class Line {
  readonly target: Target;
  readonly context: Context;
  #peer: Peer | undefined;
  #maildrop: Maildrop | undefined;
  #closed = false;
  #left = false;

  private constructor(peer: Peer, target: Target, context: Context) {
    this.#peer = peer;
    this.target = target;
    this.context = context;
  }

  /** Greets, and logs in when the user gave credentials; where none are needed (`capa`), nobody is asked for them. */
  static async open(target: Target, context: Context): Promise<Line> {
    const peer = await meet(target, context);
    const line = new Line(peer, target, context);
    try {
      await line.#logIn(peer, target.url.user !== undefined);
      return line;
    } catch (thrown) {
      await peer.leave();
      throw thrown;
    }
  }

  /** A message was not read to its end: what is left of it passes, or ends the connection. */
  leftEarly(): void {
    this.#left = true;
  }

  /** The server, met anew when the connection is gone: servers end it after some minutes of silence. */
  async peer(): Promise<Peer> {
    if (this.#closed) throw new PortholeError("aborted", "the session was closed");
    const old = this.#peer;
    if (this.#left) {
      this.#left = false;
      // Answered once the rest has passed. Where that was too much, the connection is gone and another is made.
      await old?.ask(["NOOP"]).catch(() => {});
    }
    if (old !== undefined && old.dialogue.failure === undefined) return old;
    // The marks of a connection that is lost are lost with it, and that must be said.
    if (old !== undefined && old.marked > 0) await old.leave();
    if (old !== undefined) this.context.note("the connection is gone; connecting again");
    this.#maildrop = undefined;
    this.#peer = await meet(this.target, this.context);
    return this.#peer;
  }

  /** The connection is there. */
  get holds(): boolean {
    return this.#peer !== undefined && this.#peer.dialogue.failure === undefined;
  }

  /** The maildrop, opened by a login when it is not yet. @throws PortholeError `auth` */
  async maildrop(): Promise<Maildrop> {
    const peer = await this.peer();
    await this.#logIn(peer, true);
    this.#maildrop ??= new Maildrop(peer);
    return this.#maildrop;
  }

  /** Ends the connection in order, so that others may have the maildrop; the next call makes a new one. */
  async rest(): Promise<void> {
    const peer = this.#peer;
    this.#peer = undefined;
    this.#maildrop = undefined;
    await peer?.leave();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.rest();
  }

  async #logIn(peer: Peer, required: boolean): Promise<void> {
    if (peer.loggedIn) return;
    await enableUtf8(peer);
    const { lang } = this.context.options;
    if (typeof lang === "string" && peer.language !== lang) {
      await speak(peer, lang);
      peer.language = lang;
    }
    const began = performance.now();
    await logIn(peer, this.target, this.context, required);
    peer.loginMs = performance.now() - began;
    // RFC 2449, 5: what is offered can be more after the login.
    if (peer.loggedIn && peer.capabilities !== undefined) await peer.askCapabilities();
  }
}
