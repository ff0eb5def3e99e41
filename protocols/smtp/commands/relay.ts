/** `porthole smtp relay URL --to ADDRESS`: whether a server takes mail of strangers for strangers. No mail is sent. */
import { PortholeError } from "../../../src/errors.js";
import { checkAddress } from "../../../src/message/address.js";
import type { Command } from "../../../src/plugin.js";
import { commandLine } from "../../../src/wire/command.js";
import { isPositive, wordsOf } from "../refusal.js";
import { asked, listOption, record, textOption, wrongUsage } from "./words.js";

/** A server that is asked too much closes; and more ways than these are not known to have worked. */
interface Way {
  readonly what: string;
  readonly from: string;
  readonly to: string;
}

export const relay: Command = async function* (invocation) {
  const [to, ...more] = listOption(invocation, "to");
  if (to === undefined || more.length > 0)
    throw wrongUsage("relay URL --to ADDRESS [--from ADDRESS] [--mine]");
  const recipient = checkAddress(to, "the recipient");
  const sender = checkAddress(textOption(invocation, "from") ?? "stranger@elsewhere.example", "the sender");
  if (!recipient.includes("@"))
    throw new PortholeError("usage", "the recipient wants a domain, one that is not the server's");
  const { peer, target } = await asked(invocation, "relay URL --to ADDRESS");
  // Whoever tries this on others' servers is taken for a spammer, and listed as one.
  if (!peer.connection.loopback && invocation.options["mine"] !== true) {
    throw new PortholeError("usage", `is ${target.host} yours to test?`, {
      hint: "then say --mine; servers of others take this for an attack",
    });
  }
  if (peer.loggedIn) {
    throw new PortholeError("usage", "who is logged in is no stranger", { hint: "leave out the user" });
  }
  const open: string[] = [];
  for (const way of ways(sender, recipient, target.host)) {
    const reset = await peer.ask(["RSET"]);
    if (!isPositive(reset))
      throw new PortholeError("protocol", "the server refused RSET", { reply: wordsOf(reset) });
    const mail = await peer.ask(["MAIL", `FROM:<${way.from}>`]);
    const reply = isPositive(mail)
      ? await peer.dialogue.ask({ command: commandLine("RCPT", `TO:<${way.to}>`), sendAhead: "alone" })
      : mail;
    const accepted = isPositive(mail) && isPositive(reply);
    if (accepted) open.push(way.what);
    yield record(
      `${accepted ? "TAKEN  " : "refused"}  ${way.what}: <${way.from}> to <${way.to}>: ${wordsOf(reply)}`,
      {
        ...way,
        accepted,
        code: reply.code,
        reply: wordsOf(reply),
      },
    );
  }
  if (open.length === 0) return;
  throw new PortholeError("other", `the server takes mail of strangers for strangers: ${open.join(", ")}`, {
    hint: "it may still bounce it; let it relay for its own networks and for who is logged in alone",
  });
};

function ways(sender: string, recipient: string, host: string): Way[] {
  const at = recipient.lastIndexOf("@");
  const [local, domain] = [recipient.slice(0, at), recipient.slice(at + 1)];
  const here = /^[\d.]+$|:/.test(host) ? "localhost" : host;
  return [
    { what: "plain", from: sender, to: recipient },
    { what: "from nobody", from: "", to: recipient },
    { what: "as one of its own", from: `postmaster@${here}`, to: recipient },
    { what: "percent hack", from: sender, to: `${local}%${domain}@${here}` },
    { what: "source route", from: sender, to: `@${here}:${recipient}` },
    { what: "quoted", from: sender, to: `"${recipient.replace(/["\\]/g, "\\$&")}"` },
    {
      what: "quoted, with the server's name",
      from: sender,
      to: `"${recipient.replace(/["\\]/g, "\\$&")}"@${here}`,
    },
    { what: "bang path", from: sender, to: `${domain}!${local}` },
  ];
}
