/**
 * A whole mail sent ahead of its answers: MAIL, RCPT and the message by BDAT (RFC 3030), or up to DATA with the text
 * behind its answer (RFC 2920). Many may be under way at once, one behind the other.
 */
import { PortholeError } from "../../src/errors.js";
import type { Answer } from "../../src/net/dialogue.js";
import { commandLine } from "../../src/wire/command.js";
import { DotWriter } from "../../src/wire/dot-writer.js";
import type { Reply } from "../../src/wire/replies.js";
import type { CommandWords, Peer } from "./peer.js";
import { isPositive, refusal } from "./refusal.js";
import type { Verdict } from "./report.js";

/** A mail whole in memory. */
export interface Parcel {
  readonly mail: CommandWords;
  /** Addresses, and what is said of each. */
  readonly recipients: readonly { readonly address: string; readonly words: CommandWords }[];
  /** Lines ended by CRLF, the last one too; dots as they are. */
  readonly octets: Buffer;
}

/**
 * What is known of a mail whose connection ended: it was not taken, or nobody knows. `refused` when the server had said
 * no already.
 */
export type Fate = "not-taken" | "unknown" | "refused";

const GO_AHEAD = 354;
const NO_MESSAGE = Buffer.from(".\r\n");

export class Flight {
  readonly parcel: Parcel;
  mail: Reply | undefined;
  /** As they come, in the order of the parcel's. */
  readonly recipients: Verdict[] = [];
  /** To the message: one in all, or under LMTP one for each recipient taken. */
  readonly answers: Verdict[] = [];
  readonly #peer: Peer;
  readonly #reset: Answer<Reply> | undefined;
  readonly #mail: Answer<Reply>;
  readonly #recipients: readonly Answer<Reply>[];
  readonly #message: Answer<Reply>;
  readonly #chunked: boolean;
  #farewell = false;
  /** Counted as the replies come, which may be before `land` takes them. */
  #accepted = 0;

  private constructor(peer: Peer, parcel: Parcel, chunked: boolean) {
    this.parcel = parcel;
    this.#peer = peer;
    this.#chunked = chunked;
    // A mail before this one may turn out refused, and leave its transaction open (RFC 3030, 4.2).
    const manner = peer.extensions.has("PIPELINING") ? {} : ({ sendAhead: "alone" } as const);
    this.#reset = peer.midway ? peer.say(["RSET"], manner) : undefined;
    peer.midway = true;
    this.#mail = peer.say(parcel.mail, manner);
    this.#recipients = parcel.recipients.map(({ words }) =>
      peer.say(words, {
        ...manner,
        sequel: (reply) => {
          if (isPositive(reply)) this.#accepted += 1;
          return "nothing";
        },
      }),
    );
    this.#message = chunked ? this.#sayChunk() : this.#sayData();
  }

  /** Puts the commands for a mail behind all others; by BDAT where the server offers it and `chunking` allows it. */
  static launch(peer: Peer, parcel: Parcel, chunking: boolean): Flight {
    return new Flight(peer, parcel, chunking && peer.extensions.has("CHUNKING"));
  }

  get taken(): readonly Verdict[] {
    return this.recipients.filter(({ reply }) => isPositive(reply));
  }

  /**
   * Takes the answers, which stand in this flight also when not all come. Where the text waits for DATA's answer, what
   * was launched behind this one travels with it.
   * @throws PortholeError when the server ends the session, or the connection is lost; `fate` says what that means
   */
  async land(): Promise<void> {
    if (this.#reset !== undefined) await this.#heard(this.#reset);
    this.mail = await this.#heard(this.#mail);
    for (const [at, answer] of this.#recipients.entries()) {
      const address = this.parcel.recipients[at]?.address ?? "";
      this.recipients.push({ recipient: address, reply: await this.#heard(answer) });
    }
    if (!this.#chunked && !(await this.#handOver())) return;
    const [first] = this.taken;
    const answerers = this.#peer.lmtp && first !== undefined ? this.taken : [first];
    for (const answerer of answerers) {
      const recipient = answerer?.recipient ?? this.parcel.recipients[0]?.address ?? "";
      this.answers.push({ recipient, reply: await this.#heard(this.#message) });
    }
  }

  /** What became of the mail when `land` threw. */
  get fate(): Fate {
    const all = this.recipients.length === this.parcel.recipients.length;
    if (this.mail !== undefined && !isPositive(this.mail)) return "refused";
    if (all && this.taken.length === 0) return "refused";
    // A server that says 421 closes, and does nothing of what was said behind (RFC 5321, 3.8).
    if (this.#farewell) return "not-taken";
    const { standing } = this.#message;
    if (standing === undefined || standing === "unsent" || standing === "data-unsent") return "not-taken";
    // DATA that is not answered was followed by no text.
    return !this.#chunked && standing === "unanswered" ? "not-taken" : "unknown";
  }

  /** @returns false when there was no text to hand over */
  async #handOver(): Promise<boolean> {
    const reply = await this.#heard(this.#message);
    if (reply.code !== GO_AHEAD) {
      this.answers.push({ recipient: this.parcel.recipients[0]?.address ?? "", reply });
      return false;
    }
    if (this.taken.length > 0) {
      const writer = new DotWriter({ lineEnds: "as-is" });
      const text = Buffer.concat([writer.write(this.parcel.octets), writer.end()]);
      await this.#peer.dialogue.supplyLast(text);
      return true;
    }
    // RFC 2920, 3.1: a server may say 354 without a recipient; an empty message, which it must refuse, ends it.
    if (this.#peer.lmtp) {
      this.#peer.connection.destroy();
      throw new PortholeError("protocol", "the server wants a message that is for nobody");
    }
    await this.#peer.dialogue.supplyLast(NO_MESSAGE);
    return true;
  }

  async #heard(answer: Answer<Reply>): Promise<Reply> {
    const reply = await answer.reply();
    if (reply.code !== 421) return reply;
    this.#farewell = true;
    throw refusal(reply, "the server closes the session");
  }

  #sayChunk(): Answer<Reply> {
    const { octets } = this.parcel;
    const sendAhead = this.#peer.extensions.has("PIPELINING") ? "free" : "alone";
    return this.#peer.dialogue.say({
      sendAhead,
      command: commandLine("BDAT", octets.length, "LAST"),
      payload: octets,
      sequel: this.#oneForEach(),
    });
  }

  #sayData(): Answer<Reply> {
    const sequel = this.#oneForEach();
    let begun = false;
    return this.#peer.say(["DATA"], {
      sendAhead: "last",
      sequel: (reply) => {
        if (begun) return sequel();
        begun = true;
        return reply.code === GO_AHEAD ? "data" : "nothing";
      },
    });
  }

  /** RFC 2033, 4.2: LMTP answers a message once for each recipient that it took. */
  #oneForEach(): () => "reply" | "nothing" {
    let answered = 0;
    return () => {
      answered += 1;
      return this.#peer.lmtp && answered < this.#accepted ? "reply" : "nothing";
    };
  }
}
