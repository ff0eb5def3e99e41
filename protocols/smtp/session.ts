/** SMTP's session: one mail after another over one connection. */
import { abortReason, PortholeError } from "../../src/errors.js";
import type { CheckStep, Context, Outgoing, SendReport, Session, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { checkSteps } from "./check.js";
import { type Delivery, deliveryOf } from "./delivery.js";
import { logIn } from "./login.js";
import type { Peer } from "./peer.js";
import { deliver, type Post } from "./transaction.js";

export class SmtpSession implements Session {
  readonly peer: Peer;
  readonly #target: Target;
  readonly #context: Context;

  constructor(peer: Peer, target: Target, context: Context) {
    this.peer = peer;
    this.#target = target;
    this.#context = context;
  }

  /**
   * Recipients that are refused stand in the report while the others get the mail.
   * @throws PortholeError when nobody gets it
   */
  async send(
    outgoing: Outgoing,
    delivery: Delivery = deliveryOf(this.#context.options),
  ): Promise<SendReport> {
    if (outgoing.kind !== "message") throw new PortholeError("usage", "SMTP sends mails, not bare octets");
    const { envelope, raw, messageId } = outgoing;
    const size = outgoing.size === undefined ? {} : { size: outgoing.size };
    // Unless somebody knows better: a message that may have eight-bit octets must be announced as such.
    const { eightBit = true, last = false } = outgoing;
    const post: Post = { envelope, raw, messageId, ...size, eightBit, delivery, last };
    const total = outgoing.size === undefined ? {} : { total: outgoing.size };
    const what = messageId === "" ? "the message" : messageId;
    // A source that fails before it is wanted is found out when it is read.
    raw.on("error", () => {});
    try {
      refuseControls(messageId, "the Message-ID");
      // Of what is streamed it is not known; converting would break a signature (RFC 6152, 3).
      const measured = outgoing.eightBit === true && outgoing.size !== undefined;
      if (measured && !this.peer.extensions.has("8BITMIME"))
        this.#context.warn(
          "the message has octets above 127, and the server does not offer 8BITMIME: they may not arrive as they are",
        );
      const report = await deliver(this.peer, post, {
        logIn: (demand) => logIn(this.peer, this.#target, this.#context, demand),
        tell: (done) => this.#context.progress({ what, done, ...total }),
      });
      this.#context.progress({ what, done: report.size, ...total, finished: true });
      return report;
    } catch (thrown) {
      // The command line shows the abort itself; what it left open must be said besides.
      const { signal } = this.#context;
      const said = signal.aborted ? abortReason(signal).message : undefined;
      if (thrown instanceof PortholeError && thrown.code === "aborted" && thrown.message !== said)
        this.#context.warn(thrown.message);
      throw thrown;
    } finally {
      raw.destroy();
    }
  }

  check(): AsyncIterable<CheckStep> {
    return checkSteps(this.peer, this.#target, this.#context);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer.leave();
  }
}
