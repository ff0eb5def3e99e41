/** The way to the maildrop. */
import { Way } from "../../src/net/way.js";
import type { Context, Target } from "../../src/plugin.js";
import { enableUtf8, speak } from "./language.js";
import { logIn } from "./login.js";
import { Maildrop } from "./maildrop.js";
import { meet } from "./meet.js";
import type { Peer } from "./peer.js";

export class Line {
  readonly target: Target;
  readonly context: Context;
  readonly #way: Way<Peer>;
  #maildrop: Maildrop | undefined;

  private constructor(peer: Peer, target: Target, context: Context) {
    this.target = target;
    this.context = context;
    this.#way = new Way(peer, {
      meet: () => meet(target, context),
      pass: (old) => old.ask(["NOOP"]),
      leave: (old) => old.leave(),
      // The marks of a connection that is lost are lost with it, and that must be said.
      lost: async (old) => {
        if (old.marked > 0) await old.leave();
      },
      note: (text) => context.note(text),
    });
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

  leftEarly(): void {
    this.#way.leftEarly();
  }

  peer(): Promise<Peer> {
    return this.#way.reached();
  }

  /** The connection is there. */
  get holds(): boolean {
    return this.#way.holds;
  }

  /** The maildrop, opened by a login when it is not yet. @throws PortholeError `auth` */
  async maildrop(): Promise<Maildrop> {
    const peer = await this.peer();
    await this.#logIn(peer, true);
    if (this.#maildrop?.peer !== peer) this.#maildrop = new Maildrop(peer);
    return this.#maildrop;
  }

  /** Ends the connection in order, so that others may have the maildrop; the next call makes a new one. */
  rest(): Promise<void> {
    return this.#way.rest();
  }

  close(): Promise<void> {
    return this.#way.close();
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
