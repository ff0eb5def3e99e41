/** `porthole socket send URL --send TEXT` */
import type { Invocation, Output } from "../../src/plugin.js";
import { sourcePort } from "./address.js";
import { deliver, deliverDatagrams } from "./delivery.js";
import { isPatient, openedOne } from "./opened.js";
import { checkGiven, fromStandardInput, givenToSend } from "./outgoing.js";
import { Shown } from "./shown.js";

const USAGE = "porthole socket send tcp://HOST:PORT --send TEXT";

/** In datagrams each TEXT, or piece of a file or of standard input, is one. */
export async function* send(invocation: Invocation): AsyncGenerator<Output> {
  const { target, context } = await openedOne(invocation, USAGE);
  await checkGiven(invocation.options);
  const from = sourcePort(target, invocation.options);
  const body = givenToSend(invocation.options) ?? fromStandardInput(invocation);
  const sent =
    target.url.scheme === "udp"
      ? await deliverDatagrams(body, target, context, from)
      : (await deliver(body, target, context, isPatient(invocation), from)).sent;
  if (invocation.options["json"] === true) yield new Shown(invocation.options).event("sent", "", { sent });
}
