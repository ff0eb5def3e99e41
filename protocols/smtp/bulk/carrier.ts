/** One connection of a mailing: letters launched ahead of their answers, and what becomes of each. */
import { messageOf, PortholeError } from "../../../src/errors.js";
import type { Context, JsonObject, JsonValue, Target } from "../../../src/plugin.js";
import type { Journal } from "../../../src/verbs/journal.js";
import type { Reply } from "../../../src/wire/replies.js";
import type { Delivery } from "../delivery.js";
import { mailWords, recipientWords } from "../envelope.js";
import { meetExchanger } from "../exchangers.js";
import { Flight } from "../flight.js";
import { logIn } from "../login.js";
import type { Peer } from "../peer.js";
import { demandsLogin, isPositive, refusal, wordsOf } from "../refusal.js";
import type { Letter, Outcome, State } from "./letter.js";
import type { Outbox } from "./outbox.js";
import { type Pace, rest } from "./pace.js";

export interface CarrierOptions {
  readonly journal: Journal | undefined;
  readonly delivery: Delivery;
  /** In all, and on this connection. */
  readonly paces: readonly Pace[];
  /** How often a letter, or the connection, is tried again. */
  readonly retries: number;
  /** Milliseconds before the first further try; each next one waits twice as long. */
  readonly backOff: number;
  readonly tell: (outcome: Outcome) => void;
}

interface Launched {
  readonly letter: Letter;
  readonly flight: Flight;
}

/** Commands that are sent and not answered. */
const MOST_UNANSWERED = 200;
/** Letters that are under way, and their octets: what a connection takes of memory. */
const MOST_LETTERS = 60;
const MOST_OCTETS = 8 * 1024 * 1024;
/** Letters that are made before they go out: the server need not wait for more of them. */
const MOST_AT_ONCE = 10;
const LONGEST_BACK_OFF = 3_600_000;
const NONE: Promise<Letter[]> = Promise.resolve([]);

export class Carrier {
  readonly #outbox: Outbox;
  readonly #target: Target;
  readonly #context: Context;
  readonly #options: CarrierOptions;
  #peer: Peer | undefined;
  /** Made beforehand. */
  #ready: Promise<Letter[]> = NONE;
  #window = 1;
  /** How often in a row the connection was lost, or was not to be had. */
  #losses = 0;
  /** It served once. */
  #served = false;

  constructor(outbox: Outbox, target: Target, context: Context, options: CarrierOptions) {
    this.#outbox = outbox;
    this.#target = target;
    this.#context = context;
    this.#options = options;
  }

  /**
   * Carries until there is nothing left.
   * @throws PortholeError when the server is not to be had any more; the signal's reason
   */
  async run(): Promise<void> {
    const under: Launched[] = [];
    try {
      for (;;) {
        while (await this.#launchMore(under));
        const next = under.shift();
        if (next === undefined) return;
        await this.#land(next, under);
      }
    } finally {
      for (const one of under.splice(0)) await this.#finish(one);
      this.#outbox.giveBack(await this.#ready.catch(() => []));
      await this.#peer?.leave();
    }
  }

  /** The run ends; what was launched is answered all the same, or lost. */
  async #finish(one: Launched): Promise<void> {
    try {
      await one.flight.land();
      await this.#judge(one.letter, one.flight);
    } catch (thrown) {
      // What ended the run is what the user is told.
      await this.#unravel(one, messageOf(thrown)).catch(() => undefined);
    }
  }

  /** @returns whether more may be launched before an answer is waited for */
  async #launchMore(under: Launched[]): Promise<boolean> {
    const most = this.#window;
    if (under.length > most / 2) return false;
    const held = under.reduce((sum, { letter }) => sum + letter.octets.length, 0);
    const letters = [...(await this.#ready)];
    this.#ready = NONE;
    if (letters.length === 0) {
      const wanted = Math.min(MOST_AT_ONCE, most - under.length);
      letters.push(...(await this.#fetch(wanted, MOST_OCTETS - held)));
    }
    if (letters.length === 0 && under.length === 0) {
      const letter = await this.#outbox.take(true);
      if (letter !== undefined) letters.push(letter);
    }
    if (letters.length === 0) return false;
    try {
      const peer = await this.#server();
      for (const pace of this.#options.paces) await pace.turn(this.#context.signal);
      // Noted before it goes out: whoever is found so by a later run may have it.
      await Promise.all(letters.map((letter) => this.#note(letter, letter.pending, "sending", "")));
      for (const letter of letters.splice(0)) {
        const launched = await this.#launch(peer, letter);
        if (launched !== undefined) under.push(launched);
      }
      // Made while the server is at work, so that it need not wait for them.
      const isFull = under.length > most / 2;
      if (most > 1 && isFull) this.#ready = settled(this.#fetch(most / 2, MOST_OCTETS / 2));
      return !isFull;
    } catch (thrown) {
      this.#outbox.giveBack(letters);
      throw thrown;
    }
  }

  /** Letters that may go now. */
  async #fetch(most: number, octets: number): Promise<Letter[]> {
    const letters: Letter[] = [];
    let size = 0;
    while (letters.length < most && size < octets) {
      const letter = await this.#outbox.take(false);
      if (letter === undefined) break;
      letters.push(letter);
      size += letter.octets.length;
    }
    return letters;
  }

  async #launch(peer: Peer, letter: Letter): Promise<Launched | undefined> {
    const { delivery } = this.#options;
    const { from, pending, octets } = letter;
    try {
      const facts = { size: octets.length, eightBit: false };
      const mail = mailWords({ from, to: pending }, facts, peer, delivery);
      const recipients = pending.map((address) => ({ address, words: recipientWords(address, delivery) }));
      return {
        letter,
        flight: Flight.launch(peer, { mail, recipients, octets }, delivery.chunking !== false),
      };
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || thrown.code === "tls") throw thrown;
      for (const recipient of pending) this.#settle(letter, recipient, "refused", thrown.message);
      return undefined;
    }
  }

  /** @throws PortholeError when the server is not to be had */
  async #server(): Promise<Peer> {
    const { retries } = this.#options;
    for (;;) {
      if (this.#peer !== undefined && this.#peer.dialogue.failure === undefined) return this.#peer;
      if (this.#losses > 0) await rest(this.#wait(this.#losses - 1), this.#context.signal);
      try {
        const { peer, target } = await meetExchanger(this.#target, this.#context, MOST_UNANSWERED);
        this.#peer = peer;
        this.#window = this.#windowFor(peer);
        await logIn(peer, target, this.#context);
        return peer;
      } catch (thrown) {
        this.#losses += 1;
        const passing =
          thrown instanceof PortholeError && ["connect", "busy", "timeout"].includes(thrown.code);
        // A server that was never there will hardly come: the user wants to know at once.
        if (!passing || !this.#served || this.#losses > retries) throw thrown;
        this.#context.note(`${thrown.message}; trying again`);
      }
    }
  }

  async #land({ letter, flight }: Launched, under: Launched[]): Promise<void> {
    try {
      await flight.land();
    } catch (thrown) {
      const words = thrown instanceof PortholeError ? (thrown.reply ?? thrown.message) : String(thrown);
      this.#losses += 1;
      for (const one of [{ letter, flight }, ...under.splice(0)]) await this.#unravel(one, words);
      await this.#peer?.leave();
      this.#peer = undefined;
      if (this.#context.signal.aborted || this.#losses > this.#options.retries) throw thrown;
      return;
    }
    this.#served = true;
    this.#losses = 0;
    if (
      under.length === 0 &&
      this.#peer !== undefined &&
      flight.answers.every(({ reply }) => isPositive(reply))
    ) {
      this.#peer.midway = flight.answers.length === 0;
    }
    await this.#judge(letter, flight);
  }

  /** What the server said of each recipient. @throws PortholeError when it wants a login */
  async #judge(letter: Letter, flight: Flight): Promise<void> {
    const { mail, recipients, answers } = flight;
    if (mail === undefined) return;
    const demand = [mail, ...recipients.map(({ reply }) => reply)].find(demandsLogin);
    if (demand !== undefined && !recipients.some(({ reply }) => isPositive(reply))) {
      await this.#note(letter, letter.pending, undefined, "");
      throw refusal(demand, "the server demands a login");
    }
    const later: string[] = [];
    let words = "";
    for (const recipient of letter.pending) {
      const own = recipients.find((verdict) => verdict.recipient === recipient)?.reply;
      const said = !isPositive(mail)
        ? mail
        : own !== undefined && isPositive(own)
          ? lastWord(flight, recipient)
          : own;
      const reply = said ?? answers[0]?.reply ?? mail;
      if (isPositive(reply)) this.#settle(letter, recipient, "accepted", wordsOf(reply));
      else if (reply.code >= 400 && reply.code < 500) {
        later.push(recipient);
        words = wordsOf(reply);
      } else this.#settle(letter, recipient, "refused", wordsOf(reply));
    }
    if (later.length > 0) await this.#postpone({ ...letter, pending: later }, words);
  }

  /** The connection ended before all was answered. */
  async #unravel({ letter, flight }: Launched, words: string): Promise<void> {
    switch (flight.fate) {
      case "refused":
        return this.#judge(letter, flight);
      case "not-taken":
        await this.#note(letter, letter.pending, undefined, "");
        this.#outbox.giveBack([letter]);
        return;
      case "unknown": {
        const refused = flight.recipients.filter(({ reply }) => !isPositive(reply));
        for (const { recipient, reply } of refused)
          this.#settle(letter, recipient, "refused", wordsOf(reply));
        for (const { recipient, reply } of flight.answers) {
          this.#settle(letter, recipient, isPositive(reply) ? "accepted" : "refused", wordsOf(reply));
        }
        const known = new Set([...refused, ...flight.answers].map(({ recipient }) => recipient));
        const pending = letter.pending.filter((recipient) => !known.has(recipient));
        await this.#lost({ ...letter, pending }, "unknown", words);
      }
    }
  }

  async #lost(letter: Letter, state: State, words: string): Promise<void> {
    for (const recipient of letter.pending) this.#settle(letter, recipient, state, words);
  }

  /** Refused for now. */
  async #postpone(letter: Letter, words: string): Promise<void> {
    await this.#note(letter, letter.pending, undefined, "");
    if (letter.tries >= this.#options.retries) {
      for (const recipient of letter.pending) this.#tell(letter, recipient, "later", words);
      return;
    }
    this.#outbox.defer({ ...letter, tries: letter.tries + 1 }, this.#wait(letter.tries));
  }

  /** Letters that may be under way: with DATA only the next one's envelope can travel behind a text. */
  #windowFor({ extensions }: Peer): number {
    const { paces, delivery } = this.#options;
    if (paces.length > 0 || !extensions.has("PIPELINING")) return 1;
    return extensions.has("CHUNKING") && delivery.chunking !== false ? MOST_LETTERS : 2;
  }

  #wait(tries: number): number {
    return Math.min(LONGEST_BACK_OFF, this.#options.backOff * 2 ** tries);
  }

  #settle(letter: Letter, recipient: string, state: State, words: string): void {
    // Until it is on the disk, a later run takes it for unknown.
    this.#options.journal?.noteSoon(letter.key, this.#noted(letter, [recipient], state, words));
    this.#tell(letter, recipient, state, words);
  }

  #tell({ line, messageId }: Letter, recipient: string, state: State, reply: string): void {
    this.#options.tell({ line, recipient, state, reply, messageId, before: false });
  }

  async #note(
    letter: Letter,
    recipients: readonly string[],
    state: string | undefined,
    reply: string,
  ): Promise<void> {
    const facts = this.#noted(letter, recipients, state, reply);
    await this.#options.journal?.note(letter.key, Object.keys(facts).length === 0 ? undefined : facts);
  }

  /** What the journal is to say of a letter, with this of these recipients. */
  #noted(
    letter: Letter,
    recipients: readonly string[],
    state: string | undefined,
    reply: string,
  ): JsonObject {
    const facts: Record<string, JsonValue> = {};
    const before: JsonObject = this.#options.journal?.facts.get(letter.key) ?? {};
    for (const [recipient, noted] of Object.entries(before)) {
      if (noted !== undefined && !recipients.includes(recipient)) facts[recipient] = noted;
    }
    if (state !== undefined) for (const recipient of recipients) facts[recipient] = { state, reply };
    return facts;
  }
}

/** A promise whose failure shows to whoever waits for it, and to nobody before. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** What was said to the message: to all, or under LMTP to this one. */
function lastWord({ answers }: Flight, recipient: string): Reply | undefined {
  return (answers.find((verdict) => verdict.recipient === recipient) ?? answers[0])?.reply;
}
