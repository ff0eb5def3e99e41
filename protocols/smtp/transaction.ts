/** One mail: MAIL, RCPT, DATA and what the server says to each (RFC 5321, 3.3; RFC 2033, 4.2). */
import type { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { Answer } from "../../src/net/dialogue.js";
import { handOver } from "../../src/net/message-data.js";
import type { Envelope, SendReport } from "../../src/plugin.js";
import type { Reply } from "../../src/wire/replies.js";
import { type MessageFacts, mailWords, recipientWords } from "./envelope.js";
import { type CommandWords, heard, type Peer } from "./peer.js";
import { demandsLogin, isPositive, refusal } from "./refusal.js";
import { reportOf, unknownFate, type Verdict } from "./report.js";

/** A mail to be handed over. */
export interface Post extends MessageFacts {
  readonly envelope: Envelope;
  readonly raw: Readable;
  /** Empty when the message has none. */
  readonly messageId: string;
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

/**
 * Delivers to all recipients that the server takes.
 * @throws PortholeError when nobody gets it, by the first reply that said no; `protocol` when it is not known
 */
export async function deliver(peer: Peer, post: Post, hooks: Hooks): Promise<SendReport> {
  const { envelope } = post;
  if (envelope.to.length === 0) throw new PortholeError("usage", "the mail has no recipient");
  const mail = mailWords(envelope, post, peer.extensions);
  const recipients = envelope.to.map(recipientWords);
  let opening = await open(peer, mail, recipients);
  const demand = [opening.mail, ...opening.recipients].find(demandsLogin);
  if (demand !== undefined && !peer.loggedIn && !opening.recipients.some(isPositive)) {
    await abandon(peer, opening);
    // RFC 4954, 4: no AUTH within a transaction.
    await peer.ask(["RSET"]);
    await hooks.logIn(demand);
    opening = await open(peer, mail, recipients);
  }
  const verdicts = opening.recipients.map((reply, at) => ({ recipient: envelope.to[at] ?? "", reply }));
  const taken = verdicts.filter(({ reply }) => isPositive(reply));
  const { data } = opening;
  if (data === undefined || data.reply.code !== GO_AHEAD || taken.length === 0) {
    await abandon(peer, opening);
    throw nobody(opening, envelope);
  }
  const answers: Verdict[] = [];
  let size: number;
  try {
    size = await handOver(peer.dialogue, post.raw, hooks.tell);
    for (const { recipient } of peer.lmtp ? taken : taken.slice(0, 1)) {
      answers.push({ recipient, reply: await data.answer.reply() });
    }
  } catch (thrown) {
    const { standing } = data.answer;
    const undone = standing === undefined || standing === "data-unsent";
    throw undone ? thrown : unknownFate(thrown, post.messageId, taken, answers);
  }
  peer.midway = false;
  const refused = verdicts.filter(({ reply }) => !isPositive(reply));
  return reportOf({ taken, refused, answers, each: peer.lmtp }, size, post.messageId);
}

/** Everything up to the answer to DATA; sent in one go where the server offers PIPELINING (RFC 2920). */
async function open(peer: Peer, mail: CommandWords, recipients: readonly CommandWords[]): Promise<Opening> {
  const ahead = peer.extensions.has("PIPELINING");
  const reset = peer.midway ? peer.say(["RSET"], { sendAhead: ahead ? "free" : "alone" }) : undefined;
  if (reset !== undefined && !ahead) await heard(reset);
  peer.midway = true;
  return ahead ? openAhead(peer, mail, recipients, reset) : openStepwise(peer, mail, recipients);
}

async function openAhead(
  peer: Peer,
  mail: CommandWords,
  recipients: readonly CommandWords[],
  reset: Answer<Reply> | undefined,
): Promise<Opening> {
  const mailAnswer = peer.say(mail);
  const recipientAnswers = recipients.map((words) => peer.say(words));
  let accepted = 0;
  const dataAnswer = sayData(peer, () => accepted);
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
    data: { answer: dataAnswer, reply: await heard(dataAnswer) },
  };
}

async function openStepwise(
  peer: Peer,
  mail: CommandWords,
  recipients: readonly CommandWords[],
): Promise<Opening> {
  const mailReply = await peer.ask(mail);
  const replies: Reply[] = [];
  if (!isPositive(mailReply)) return { mail: mailReply, recipients: replies };
  for (const words of recipients) replies.push(await peer.ask(words));
  const accepted = replies.filter(isPositive).length;
  if (accepted === 0) return { mail: mailReply, recipients: replies };
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
    const shown = to.length > 3 ? `${to.slice(0, 3).join(", ")}, ...` : to.join(", ");
    const who = to.length === 1 ? `the recipient ${shown} was` : `all ${to.length} recipients were`;
    return refusal(first, to.length === 1 ? `${who} refused` : `${who} refused: ${shown}`);
  }
  return refusal(data?.reply ?? mail, "the server does not take the message");
}
