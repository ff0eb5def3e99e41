/** Single commands: `porthole smtp vrfy|expn|help|noop|etrn|quote URL ...`. */
import { PortholeError } from "../../../src/errors.js";
import { checkAddress } from "../../../src/message/address.js";
import type { Command, Output } from "../../../src/plugin.js";
import { refuseControls } from "../../../src/url.js";
import type { Reply } from "../../../src/wire/replies.js";
import { isPositive, refusal, wordsOf } from "../refusal.js";
import { asked, record, replyLines, wrongUsage } from "./words.js";

/** Nobody, or nothing, of that name (RFC 5321, 3.5.3). */
const NOT_THERE: readonly number[] = [550, 551, 553];
/** Not known, or not here (RFC 5321, 4.2.4): nothing is said of the address. */
const UNKNOWN_COMMAND: readonly number[] = [500, 502];

/** VRFY (RFC 5321, 4.1.1.6): 252 says that the server does not tell, and would take a mail. */
export const vrfy: Command = async function* (invocation) {
  const usage = "vrfy URL ADDRESS...";
  const { peer, rest } = await asked(invocation, usage);
  if (rest.length === 0) throw wrongUsage(usage);
  let failure: PortholeError | undefined;
  for (const address of rest) {
    const reply = await peer.ask(["VRFY", checkAddress(address, "the address")]);
    yield told(reply, { address });
    if (isPositive(reply)) continue;
    if (UNKNOWN_COMMAND.includes(reply.code)) throw refusal(reply, "the server does not take VRFY");
    failure ??= notThere(reply, `the server does not know ${address}`);
  }
  if (failure !== undefined) throw failure;
};

/** EXPN (RFC 5321, 4.1.1.7): the members of a list. */
export const expn: Command = async function* (invocation) {
  const usage = "expn URL LIST";
  const { peer, rest } = await asked(invocation, usage);
  const [list, ...more] = rest;
  if (list === undefined || more.length > 0) throw wrongUsage(usage);
  const reply = await peer.ask(["EXPN", checkAddress(list, "the list")]);
  if (UNKNOWN_COMMAND.includes(reply.code)) throw refusal(reply, "the server does not take EXPN");
  if (!isPositive(reply)) throw notThere(reply, `the server does not tell who is on ${list}`);
  for (const member of reply.lines) yield record(member, { list, member });
};

export const help: Command = async function* (invocation) {
  const { peer, rest } = await asked(invocation, "help URL [COMMAND]");
  const [topic] = rest;
  const reply = await peer.ask(topic === undefined ? ["HELP"] : ["HELP", topic]);
  if (!isPositive(reply)) throw refusal(reply, "the server gives no help");
  for (const line of reply.lines) yield record(line, { line });
};

export const noop: Command = async function* (invocation) {
  const { peer } = await asked(invocation, "noop URL");
  const began = performance.now();
  const reply = await peer.ask(["NOOP"]);
  const ms = Math.round((performance.now() - began) * 1000) / 1000;
  if (!isPositive(reply)) throw refusal(reply, "the server refused NOOP");
  yield record(`${wordsOf(reply)} (${ms} ms)`, { reply: wordsOf(reply), ms });
};

/** ETRN (RFC 1985): the server is to deliver what waits for a domain. */
export const etrn: Command = async function* (invocation) {
  const usage = "etrn URL DOMAIN";
  const { peer, rest } = await asked(invocation, usage);
  const [domain, ...more] = rest;
  // `@example.org` stands for a domain and all beneath it, `#word` for a queue.
  if (domain === undefined || more.length > 0 || !/^[@#]?[\x21-\x7e]{1,255}$/.test(domain))
    throw wrongUsage(usage);
  if (!peer.extensions.has("ETRN")) throw new PortholeError("refused", "the server does not offer ETRN");
  const reply = await peer.ask(["ETRN", domain]);
  if (!isPositive(reply)) throw refusal(reply, `the server does not start the queue of ${domain}`);
  yield told(reply, { domain });
};

/** One command as it is typed, after EHLO, TLS and login, and what the server answers. */
export const quote: Command = async function* (invocation) {
  const usage = "quote URL COMMAND...";
  const { peer, rest } = await asked(invocation, usage);
  const command = rest.join(" ");
  refuseControls(command, "the command");
  const verb = /^\S*/.exec(command)?.[0]?.toUpperCase() ?? "";
  if (verb === "") throw wrongUsage(usage);
  if (verb === "STARTTLS" || verb === "AUTH" || verb === "BDAT") {
    throw new PortholeError("usage", `${verb} changes what follows and cannot be quoted`, {
      hint: verb === "STARTTLS" ? "--starttls require starts TLS" : "-u USER logs in, `send` sends",
    });
  }
  peer.midway = true;
  const reply = await peer.ask([command]);
  for (const line of replyLines(reply)) yield record(line, { code: reply.code, line });
  // What was asked for would be the message now; without one the connection ends.
  if (reply.code === 354) peer.connection.destroy();
  if (reply.code >= 400) throw refusal(reply, `the server refused ${verb}`);
};

function told(reply: Reply, facts: { readonly [key: string]: string }): Output {
  return record(wordsOf(reply), { ...facts, code: reply.code, reply: wordsOf(reply) });
}

function notThere(reply: Reply, message: string): PortholeError {
  if (!NOT_THERE.includes(reply.code)) return refusal(reply, message);
  return new PortholeError("missing", message, { reply: wordsOf(reply) });
}
