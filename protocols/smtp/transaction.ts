/** One mail: MAIL, RCPT, DATA and what the server says to each (RFC 5321, 3.3; RFC 2033, 4.2). */
import type { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { Answer } from "../../src/net/dialogue.js";
import { handOver } from "../../src/net/message-data.js";
import type { Envelope, SendReport } from "../../src/plugin.js";
import type { Reply } from "../../src/wire/replies.js";
import { handOverChunks } from "./chunks.js";
import type { Delivery } from "./delivery.js";
import { type MessageFacts, mailWords, recipientWords } from "./envelope.js";
import { Flight, type Parcel } from "./flight.js";
import { OpenedMessage } from "./opened-message.js";
import { type CommandWords, heard, type Peer } from "./peer.js";
import { demandsLogin, isPositive, refusal, wordsOf } from "./refusal.js";
import { reportOf, unknownFate, type Verdict } from "./report.js";

/** A mail to be handed over. */
export interface Post extends MessageFacts {
  readonly envelope: Envelope;
  readonly raw: Readable;
  /** Empty when the message has none. */
  readonly messageId: string;
  readonly delivery?: Delivery;
  /** No other follows on this connection. */
  readonly last?: boolean;
}

/** What a delivery asks of whoever began it. */
export interface Hooks {
  /** Called once when the server demands a login; the mail is begun again after it. */
  readonly logIn: (demand: Reply) => Promise<void>;
  /** Octets of the message handed over so far. */
  readonly tell: (done: number) => void;
}

/** What a server said before any of the message was sent. */
interface Opening {
  readonly mail: Reply;
  /** One for each recipient, in their order; shorter when the server was not asked about all. */
  readonly recipients: readonly Reply[];
  /** With the reply that it was answered with; absent when it was not sent. */
  readonly data?: { readonly answer: Answer<Reply>; readonly reply: Reply };
}

const GO_AHEAD = 354;
const NO_MESSAGE = Buffer.from(".\r\n");
/** Octets of a message that goes out together with its envelope, and in vain when that is refused. */
const AHEAD_OCTETS = 64 * 1024;

/**
 * Delivers to all recipients that the server takes.
 * @throws PortholeError when nobody gets it, by the first reply that said no; `protocol` when it is not known
 */
export async function deliver(peer: Peer, post: Post, hooks: Hooks): Promise<SendReport> {
  const { envelope, delivery = {} } = post;
  if (envelope.to.length === 0) throw new PortholeError("usage", "the mail has no recipient");
  const mail = mailWords(envelope, post, peer, delivery);
  const recipients = envelope.to.map((recipient) => recipientWords(recipient, delivery));
  if (!peer.extensions.has("CHUNKING") || delivery.chunking === false) {
    return deliverText(peer, post, hooks, { mail, recipients });
  }
  // A source that gives nothing must not outlive the connection.
  const stop = () => post.raw.destroy(peer.dialogue.failure);
  peer.connection.once("close", stop);
  try {
    const message = await OpenedMessage.open(post.raw, AHEAD_OCTETS);
    return message.whole && peer.extensions.has("PIPELINING")
      ? await deliverAtOnce(peer, post, hooks, { mail, recipients }, message.octets())
      : await deliverChunks(peer, post, hooks, { mail, recipients }, message);
  } finally {
    peer.connection.off("close", stop);
  }
}

/** The envelope's commands. */
interface Words {
  readonly mail: CommandWords;
  readonly recipients: readonly CommandWords[];
}

/** By DATA. */
async function deliverText(
  peer: Peer,
  post: Post,
  hooks: Hooks,
  { mail, recipients }: Words,
): Promise<SendReport> {
  const { envelope } = post;
  let opening = await open(peer, mail, recipients, true);
  const demand = demandOf(peer, [opening.mail, ...opening.recipients]);
  if (demand !== undefined) {
    await abandon(peer, opening);
    await logInFor(peer, demand, hooks);
    opening = await open(peer, mail, recipients, true);
  }
  const verdicts = verdictsOf(envelope, opening.recipients);
  const taken = verdicts.filter(({ reply }) => isPositive(reply));
  const { data } = opening;
  if (data === undefined || data.reply.code !== GO_AHEAD || taken.length === 0) {
    await abandon(peer, opening);
    throw nobody(opening, envelope);
  }
  const answers: Verdict[] = [];
  let size: number;
  try {
    if (post.last === true) peer.quitBehind();
    size = await handOver(peer.dialogue, post.raw, hooks.tell);
    await takeAnswers(peer, data.answer, taken, answers);
  } catch (thrown) {
    const { standing } = data.answer;
    const undone = standing === undefined || standing === "data-unsent";
    throw undone ? thrown : unknownFate(thrown, post.messageId, taken, answers);
  }
  peer.midway = false;
  const refused = verdicts.filter(({ reply }) => !isPositive(reply));
  return reportOf({ taken, refused, answers, each: peer.lmtp }, size, post.messageId);
}

/** A small message by BDAT, envelope and all in one go: no round trip but one. */
async function deliverAtOnce(
  peer: Peer,
  post: Post,
  hooks: Hooks,
  { mail, recipients }: Words,
  octets: Buffer,
): Promise<SendReport> {
  const { envelope, messageId } = post;
  const parcel = {
    mail,
    recipients: envelope.to.map((address, at) => ({ address, words: recipients[at] ?? ["RCPT"] })),
    octets,
  } as const;
  let flight = await landed(launched(peer, parcel, post), messageId);
  const said = [...(flight.mail === undefined ? [] : [flight.mail]), ...flight.recipients.map(replyOf)];
  const demand = demandOf(peer, said);
  if (demand !== undefined) {
    await logInFor(peer, demand, hooks);
    flight = await landed(launched(peer, parcel, post), messageId);
  }
  const { taken, answers } = flight;
  if (flight.mail === undefined || !isPositive(flight.mail) || taken.length === 0) {
    const opening = { mail: flight.mail ?? NO_REPLY, recipients: flight.recipients.map(replyOf) };
    throw nobody(opening, envelope);
  }
  const report = reportOf(
    {
      taken,
      refused: flight.recipients.filter(({ reply }) => !isPositive(reply)),
      answers,
      each: peer.lmtp,
    },
    octets.length,
    messageId,
  );
  peer.midway = false;
  return report;
}

function launched(peer: Peer, parcel: Parcel, { last }: Post): Flight {
  const flight = Flight.launch(peer, parcel, true);
  if (last === true) peer.quitBehind();
  return flight;
}

/** A large message by BDAT, once the server has taken somebody to send it to. */
async function deliverChunks(
  peer: Peer,
  post: Post,
  hooks: Hooks,
  { mail, recipients }: Words,
  message: OpenedMessage,
): Promise<SendReport> {
  const { envelope } = post;
  let opening = await open(peer, mail, recipients, false);
  const demand = demandOf(peer, [opening.mail, ...opening.recipients]);
  if (demand !== undefined) {
    await logInFor(peer, demand, hooks);
    opening = await open(peer, mail, recipients, false);
  }
  const verdicts = verdictsOf(envelope, opening.recipients);
  const taken = verdicts.filter(({ reply }) => isPositive(reply));
  if (taken.length === 0) throw nobody(opening, envelope);
  const answers: Verdict[] = [];
  let answered = 0;
  const {
    answer,
    size,
    taken: chunksTaken,
  } = await handOverChunks(
    peer,
    message.pieces(),
    () => {
      answered += 1;
      return peer.lmtp && answered < taken.length ? "reply" : "nothing";
    },
    hooks.tell,
  );
  if (post.last === true) peer.quitBehind();
  try {
    await chunksTaken();
    await takeAnswers(peer, answer, taken, answers);
  } catch (thrown) {
    const undone = answer.standing === undefined || answer.standing === "unsent";
    throw undone ? thrown : unknownFate(thrown, post.messageId, taken, answers);
  }
  peer.midway = false;
  const refused = verdicts.filter(({ reply }) => !isPositive(reply));
  return reportOf({ taken, refused, answers, each: peer.lmtp }, size, post.messageId);
}

async function takeAnswers(
  peer: Peer,
  answer: Answer<Reply>,
  taken: readonly Verdict[],
  answers: Verdict[],
): Promise<void> {
  for (const { recipient } of peer.lmtp ? taken : taken.slice(0, 1)) {
    answers.push({ recipient, reply: await answer.reply() });
  }
}

/** @throws PortholeError when the connection ends before all is answered; that says so when nobody knows what became of it */
async function landed(flight: Flight, messageId: string): Promise<Flight> {
  try {
    await flight.land();
    return flight;
  } catch (thrown) {
    if (flight.fate === "refused") return flight;
    if (flight.fate === "not-taken") throw thrown;
    const refused = new Set(
      flight.recipients.filter(({ reply }) => !isPositive(reply)).map(({ recipient }) => recipient),
    );
    const open = flight.parcel.recipients
      .filter(({ address }) => !refused.has(address))
      .map(({ address }) => ({ recipient: address, reply: NO_REPLY }));
    throw unknownFate(thrown, messageId, open, flight.answers);
  }
}

const NO_REPLY: Reply = { code: 0, text: "", lines: [] };

function verdictsOf({ to }: Envelope, replies: readonly Reply[]): Verdict[] {
  return replies.map((reply, at) => ({ recipient: to[at] ?? "", reply }));
}

function replyOf({ reply }: Verdict): Reply {
  return reply;
}

/** The reply that wants a login first, where one would help. */
function demandOf(peer: Peer, replies: readonly Reply[]): Reply | undefined {
  const demand = replies.find(demandsLogin);
  const [, ...recipients] = replies;
  return demand === undefined || peer.loggedIn || recipients.some(isPositive) ? undefined : demand;
}

async function logInFor(peer: Peer, demand: Reply, hooks: Hooks): Promise<void> {
  // RFC 4954, 4: no AUTH within a transaction. After QUIT there is none; that no login is offered is still to be told.
  if (!peer.leaving) await peer.ask(["RSET"]);
  await hooks.logIn(demand);
}

/** Everything up to the answer to DATA, or before it without `text`; sent in one go where the server offers PIPELINING (RFC 2920). */
async function open(
  peer: Peer,
  mail: CommandWords,
  recipients: readonly CommandWords[],
  text: boolean,
): Promise<Opening> {
  const ahead = peer.extensions.has("PIPELINING");
  const reset = peer.midway ? peer.say(["RSET"], { sendAhead: ahead ? "free" : "alone" }) : undefined;
  if (reset !== undefined && !ahead) await heard(reset);
  peer.midway = true;
  return ahead ? openAhead(peer, mail, recipients, reset, text) : openStepwise(peer, mail, recipients, text);
}

async function openAhead(
  peer: Peer,
  mail: CommandWords,
  recipients: readonly CommandWords[],
  reset: Answer<Reply> | undefined,
  text: boolean,
): Promise<Opening> {
  const mailAnswer = peer.say(mail);
  const recipientAnswers = recipients.map((words) => peer.say(words));
  let accepted = 0;
  const dataAnswer = text ? sayData(peer, () => accepted) : undefined;
  if (reset !== undefined) await heard(reset);
  const mailReply = await heard(mailAnswer);
  const replies: Reply[] = [];
  for (const answer of recipientAnswers) {
    const reply = await heard(answer);
    if (isPositive(reply)) accepted += 1;
    replies.push(reply);
  }
  return {
    mail: mailReply,
    recipients: replies,
    ...(dataAnswer === undefined ? {} : { data: { answer: dataAnswer, reply: await heard(dataAnswer) } }),
  };
}

async function openStepwise(
  peer: Peer,
  mail: CommandWords,
  recipients: readonly CommandWords[],
  text: boolean,
): Promise<Opening> {
  const mailReply = await peer.ask(mail);
  const replies: Reply[] = [];
  if (!isPositive(mailReply)) return { mail: mailReply, recipients: replies };
  for (const words of recipients) replies.push(await peer.ask(words));
  const accepted = replies.filter(isPositive).length;
  if (accepted === 0 || !text) return { mail: mailReply, recipients: replies };
  const answer = sayData(peer, () => accepted);
  return { mail: mailReply, recipients: replies, data: { answer, reply: await heard(answer) } };
}

/** @param accepted how many recipients were taken, known by the time the message is answered */
function sayData(peer: Peer, accepted: () => number): Answer<Reply> {
  let answered: number | undefined;
  return peer.say(["DATA"], {
    sendAhead: "last",
    sequel: ({ code }) => {
      if (answered === undefined) {
        if (code !== GO_AHEAD) return "nothing";
        answered = 0;
        return "data";
      }
      answered += 1;
      return peer.lmtp && answered < accepted() ? "reply" : "nothing";
    },
  });
}

/** Leaves a transaction in which nothing is sent, so that another may begin. */
async function abandon(peer: Peer, { data }: Opening): Promise<void> {
  if (data?.reply.code !== GO_AHEAD) return;
  // RFC 2920, 3.1: a server may say 354 without a recipient; an empty message, which it must refuse, ends it.
  if (peer.lmtp) peer.connection.destroy();
  else {
    await peer.dialogue.supplyLast(NO_MESSAGE);
    await heard(data.answer);
  }
}

/** Nobody gets it, and why. */
function nobody({ mail, recipients, data }: Opening, { from, to }: Envelope): PortholeError {
  if (!isPositive(mail)) return refusal(mail, `the sender ${from === "" ? "<>" : from} was refused`);
  const [first] = recipients;
  if (first !== undefined && !recipients.some(isPositive)) {
    // The first reply stands behind the message; others with the address that they are about.
    const named = to.slice(0, 3).map((address, at) => {
      const words = wordsOf(recipients[at] ?? first);
      return words === wordsOf(first) ? address : `${address} (${words})`;
    });
    const shown = `${named.join(", ")}${to.length > 3 ? ", ..." : ""}`;
    const who = to.length === 1 ? `the recipient ${shown} was` : `all ${to.length} recipients were`;
    return refusal(first, to.length === 1 ? `${who} refused` : `${who} refused: ${shown}`);
  }
  return refusal(data?.reply ?? mail, "the server does not take the message");
}
