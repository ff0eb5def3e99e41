/**
 * A mail server tried step by step, as swaks does: what it says to each, and how long it takes. The steps are those that
 * `send` and `check` take (hello.ts, login.ts, envelope.ts); here they are told one by one, and no mail is sent.
 */
import { Readable } from "node:stream";
import { abortReason, PortholeError } from "../../src/errors.js";
import type { CertificateFacts } from "../../src/net/tls.js";
import type { Context, JsonObject, Target, Weakness } from "../../src/plugin.js";
import type { Reply } from "../../src/wire/replies.js";
import { weaknessesOf } from "./check.js";
import { deliveryOf } from "./delivery.js";
import { mailWords, recipientWords } from "./envelope.js";
import { atExchanger } from "./exchangers.js";
import { checkName, greet, type Judging, ownName, reach, sayHello, upgrade } from "./hello.js";
import { logIn } from "./login.js";
import type { Peer } from "./peer.js";
import { sayXclient } from "./proxied.js";
import { isPositive, refusal, wordsOf } from "./refusal.js";
import { deliver } from "./transaction.js";

/** In their order. */
export const PROBE_STAGES = ["connect", "banner", "ehlo", "tls", "auth", "mail", "rcpt", "data"] as const;

export type ProbeStage = (typeof PROBE_STAGES)[number];

export interface ProbeWishes {
  /** Empty for the null return path; an address that says what it is when absent. */
  readonly from?: string;
  readonly to: readonly string[];
  /** The last step; `rcpt` when there is a recipient, otherwise `mail` or `auth`. At `data` no message follows. */
  readonly stopAfter?: ProbeStage;
  /** Sends this message in the end. */
  readonly message?: { readonly octets: Buffer; readonly messageId: string };
}

export interface ProbeStep {
  readonly step: ProbeStage | "xclient" | "sent";
  readonly ok: boolean;
  readonly ms: number;
  /** One line; may hold the server's words. */
  readonly detail: string;
  readonly facts?: JsonObject;
  readonly weaknesses?: readonly Weakness[];
  readonly error?: PortholeError;
}

/** The steps as they are done; one that fails is the last, but for recipients. @throws PortholeError `usage`, `aborted` */
export async function* probe(
  target: Target,
  context: Context,
  wishes: ProbeWishes,
): AsyncGenerator<ProbeStep, void, undefined> {
  checkName(context);
  deliveryOf(context.options);
  const tour = new Probe(target, context, wishes);
  try {
    yield* tour.steps();
  } finally {
    await tour.leave();
  }
}

class Probe {
  /** With `--mx`, the exchanger that was reached. */
  #target: Target;
  readonly #context: Context;
  readonly #wishes: ProbeWishes;
  readonly #last: number;
  #peer: Peer | undefined;
  /** The server's certificate, when it is not to be trusted: the probe ends there, and tells of it. */
  #distrusted: CertificateFacts | undefined;
  readonly #judging: Judging = {
    trust: async (certificate) => {
      this.#distrusted = certificate;
      return false;
    },
  };
  #began = 0;
  #stage: ProbeStep["step"] = "connect";

  constructor(target: Target, context: Context, wishes: ProbeWishes) {
    this.#target = target;
    this.#context = context;
    this.#wishes = wishes;
    const usual = wishes.to.length > 0 ? "rcpt" : wishes.from === undefined ? "auth" : "mail";
    this.#last = PROBE_STAGES.indexOf(wishes.stopAfter ?? usual);
    if (wishes.to.length === 0 && (this.#wants("rcpt") || wishes.message !== undefined)) {
      throw new PortholeError("usage", "whom shall the server be asked about?", { hint: "--to says who" });
    }
  }

  async *steps(): AsyncGenerator<ProbeStep, void, undefined> {
    try {
      yield* this.#way();
      const peer = this.#peer;
      if (peer === undefined) return;
      if (this.#wants("banner")) yield* this.#banner(peer);
      if (this.#wants("ehlo")) yield* this.#hello(peer);
      if (this.#wants("tls")) yield* this.#tls(peer);
      if (this.#wants("auth")) yield* this.#auth(peer);
      if (this.#wants("mail")) yield* this.#envelope(peer);
      if (this.#wishes.message !== undefined) yield* this.#send(peer, this.#wishes.message);
    } catch (thrown) {
      const { signal } = this.#context;
      if (signal.aborted) throw abortReason(signal);
      if (!(thrown instanceof PortholeError) || thrown.code === "usage") throw thrown;
      yield this.#failed(thrown);
    }
  }

  async leave(): Promise<void> {
    await this.#peer?.leave();
  }

  #wants(stage: ProbeStage): boolean {
    return PROBE_STAGES.indexOf(stage) <= this.#last;
  }

  #begin(stage: ProbeStep["step"]): void {
    this.#stage = stage;
    this.#began = performance.now();
  }

  #done(detail: string, more: Partial<ProbeStep> = {}): ProbeStep {
    return { step: this.#stage, ok: true, ms: performance.now() - this.#began, detail, ...more };
  }

  #failed(error: PortholeError): ProbeStep {
    const said = error.reply === undefined ? error.message : `${error.message} (${error.reply})`;
    const seen = this.#stage === "tls" ? this.#distrusted : undefined;
    if (seen === undefined) return this.#done(said, { ok: false, error });
    const names = seen.names === "" ? "" : `, for ${seen.names}`;
    return this.#done(`${said}: ${certificateWords(seen)}${names}`, {
      ok: false,
      error,
      facts: { authorized: false, ...certificateJson(seen) },
    });
  }

  async *#way(): AsyncGenerator<ProbeStep, void, undefined> {
    this.#begin("connect");
    let peer: Peer;
    try {
      const found = await atExchanger(this.#target, this.#context, (there) =>
        reach(there, this.#context, undefined, this.#judging),
      );
      peer = found.peer;
      this.#target = found.target;
    } catch (thrown) {
      if (thrown instanceof PortholeError && thrown.code === "tls") this.#stage = "tls";
      throw thrown;
    }
    this.#peer = peer;
    const { facts } = peer.connection;
    const ms = facts.resolveMs + facts.connectMs;
    const where = facts.socketPath ?? `${facts.address ?? facts.host}, port ${facts.port}`;
    const exchanger = this.#context.options["mx"] === true ? `${this.#target.host}: ` : "";
    const through = facts.proxy === undefined ? "" : ` through ${facts.proxy}`;
    yield this.#done(`${exchanger}${where}${through}`, {
      ms,
      facts: { host: facts.host, address: facts.address, port: facts.port },
    });
    if (peer.connection.secure && this.#last > 0) yield this.#agreed(peer, facts.tlsMs ?? 0);
  }

  async *#banner(peer: Peer): AsyncGenerator<ProbeStep, void, undefined> {
    this.#begin("banner");
    yield this.#done(wordsOf(await greet(peer)));
  }

  async *#hello(peer: Peer): AsyncGenerator<ProbeStep, void, undefined> {
    this.#begin("ehlo");
    const reply = await sayHello(peer, ownName(peer.connection, this.#context));
    yield this.#offered(peer, reply);
  }

  /** STARTTLS, and what is offered after it; then XCLIENT, and what is offered after that. */
  async *#tls(peer: Peer): AsyncGenerator<ProbeStep, void, undefined> {
    if (this.#target.tls === "upgrade") {
      this.#begin("tls");
      const { policy } = this.#context;
      // Within this machine, too, TLS is what the user wants to know about.
      const starttls = policy.starttls ?? "auto";
      await upgrade(peer, this.#target, { ...this.#context, policy: { ...policy, starttls } }, this.#judging);
      if (peer.connection.secure) {
        // The second EHLO is a step of its own, with its own time.
        const { helloMs } = peer;
        yield this.#agreed(peer, performance.now() - this.#began - helloMs);
        this.#begin("ehlo");
        yield { ...this.#offered(peer, undefined), ms: helloMs };
      } else if (starttls !== "never") {
        yield this.#done("not offered: what follows goes in clear", {
          weaknesses: weaknessesOf(peer, this.#target),
        });
      }
    }
    this.#begin("xclient");
    const reply = await sayXclient(peer, this.#context);
    if (reply === undefined) return;
    yield this.#done(wordsOf(reply));
    yield* this.#hello(peer);
  }

  async *#auth(peer: Peer): AsyncGenerator<ProbeStep, void, undefined> {
    this.#begin("auth");
    await logIn(peer, this.#target, this.#context);
    const { mechanisms } = peer.extensions;
    const offered = mechanisms.length === 0 ? "no login is offered" : `offered: ${mechanisms.join(", ")}`;
    const detail = peer.loggedIn ? `logged in ${peer.loggedInAs}` : offered;
    yield this.#done(detail, { facts: { mechanisms, loggedIn: peer.loggedIn } });
  }

  async *#envelope(peer: Peer): AsyncGenerator<ProbeStep, void, undefined> {
    const { to } = this.#wishes;
    const delivery = deliveryOf(this.#context.options);
    const from = this.#wishes.from ?? `porthole-probe@${ownName(peer.connection, this.#context)}`;
    this.#begin("mail");
    peer.midway = true;
    const mail = await peer.ask(mailWords({ from, to }, { eightBit: false }, peer, delivery));
    const sender = from === "" ? "<>" : from;
    if (!isPositive(mail)) throw refusal(mail, `the sender ${sender} was refused`);
    yield this.#done(`${sender}: ${wordsOf(mail)}`, { facts: { sender } });
    if (!this.#wants("rcpt")) return;
    let taken = 0;
    for (const recipient of to) {
      this.#begin("rcpt");
      const reply = await peer.ask(recipientWords(recipient, delivery));
      const facts = { recipient, code: reply.code };
      if (isPositive(reply)) {
        taken += 1;
        yield this.#done(`${recipient}: ${wordsOf(reply)}`, { facts });
      } else {
        yield { ...this.#failed(refusal(reply, `the recipient ${recipient} was refused`)), facts };
      }
    }
    if (this.#wants("data") && taken > 0) yield* this.#data(peer);
  }

  /** DATA without a message: the connection ends before its first line, and nothing is delivered. */
  async *#data(peer: Peer): AsyncGenerator<ProbeStep, void, undefined> {
    this.#begin("data");
    const reply = await peer.ask(["DATA"]);
    if (reply.code !== 354) throw refusal(reply, "the server does not take a message");
    yield this.#done(wordsOf(reply));
    peer.connection.destroy();
  }

  async *#send(
    peer: Peer,
    message: NonNullable<ProbeWishes["message"]>,
  ): AsyncGenerator<ProbeStep, void, undefined> {
    this.#begin("sent");
    const { octets, messageId } = message;
    const from = this.#wishes.from ?? `porthole-probe@${ownName(peer.connection, this.#context)}`;
    const post = {
      envelope: { from, to: this.#wishes.to },
      raw: Readable.from([octets], { objectMode: false }),
      messageId,
      size: octets.length,
      eightBit: false,
      delivery: deliveryOf(this.#context.options),
    };
    const report = await deliver(peer, post, {
      logIn: (demand: Reply) => logIn(peer, this.#target, this.#context, demand),
      tell: () => {},
    });
    yield this.#done(`${messageId} to ${report.accepted.join(", ")}: ${report.reply}`, {
      facts: { messageId, accepted: report.accepted },
    });
  }

  #agreed(peer: Peer, ms: number): ProbeStep {
    const { tls } = peer.connection.facts;
    const [leaf] = tls?.chain ?? [];
    const certificate = leaf === undefined ? "" : `, ${certificateWords(leaf)}`;
    const trust = tls?.authorized === false ? `, not to be trusted (${tls.problem ?? "unknown reason"})` : "";
    return {
      step: "tls",
      ok: true,
      ms,
      detail: `TLS ${tls?.version ?? ""}, ${tls?.cipher ?? ""}${certificate}${trust}`,
      facts: {
        version: tls?.version,
        cipher: tls?.cipher,
        authorized: tls?.authorized,
        problem: tls?.problem,
        ...(leaf === undefined ? {} : certificateJson(leaf)),
      },
    };
  }

  #offered(peer: Peer, reply: Reply | undefined): ProbeStep {
    const { extensions, connection } = peer;
    const capabilities = extensions.lines;
    const old = reply !== undefined && capabilities.length === 0 ? wordsOf(reply) : "none told";
    return this.#done(capabilities.length === 0 ? old : capabilities.join(", "), {
      facts: { capabilities, mechanisms: extensions.mechanisms, secure: connection.secure },
      weaknesses: connection.secure
        ? []
        : weaknessesOf(peer, this.#target).filter(({ grade }) => grade === "critical"),
    });
  }
}

function certificateWords({ subject, issuer, daysLeft }: CertificateFacts): string {
  const left = daysLeft < 0 ? `expired ${-daysLeft} days ago` : `${daysLeft} days left`;
  return `${subject}, by ${issuer}, ${left}`;
}

function certificateJson(certificate: CertificateFacts): JsonObject {
  const { subject, issuer, names, validTo, daysLeft, fingerprint256 } = certificate;
  return { subject, issuer, names, validTo, daysLeft, fingerprint256 };
}
