/** `porthole socket send URL --send TEXT` */
import type { Invocation, Output } from "../../src/plugin.js";
import { dialPlace, isManyfold } from "./address.js";
import { isPatient, type Opened, openedOne } from "./opened.js";
import { fromStandardInput, givenToSend } from "./outgoing.js";
import { takeRest, writeTo } from "./pour.js";
import { Shown } from "./shown.js";

const USAGE = "porthole socket send tcp://HOST:PORT --send TEXT";

export async function* send(invocation: Invocation): AsyncGenerator<Output> {
  const place = await openedOne(invocation, USAGE);
  const body = givenToSend(invocation.options) ?? fromStandardInput(invocation);
  const sent =
    place.target.url.scheme === "udp"
      ? await sendDatagrams(body, place)
      : await sendStream(body, place, isPatient(invocation));
  if (invocation.options["json"] === true) yield new Shown(invocation.options).event("sent", "", { sent });
}

async function sendStream(
  body: AsyncIterable<Uint8Array>,
  { target, context }: Opened,
  patient: boolean,
): Promise<number> {
  const connection = await context.dial({ ...dialPlace(target), patient });
  try {
    for await (const piece of body) await writeTo(connection, piece);
    // To close with octets unread would be a reset, which can destroy what the peer has not yet read.
    await takeRest(connection);
    return connection.bytesWritten;
  } finally {
    connection.destroy();
  }
}

/** Each TEXT, or piece of a file or of standard input, is a datagram. */
async function sendDatagrams(body: AsyncIterable<Uint8Array>, { target, context }: Opened): Promise<number> {
  const { host, port, ...rest } = dialPlace(target);
  let sent = 0;
  if (isManyfold(host)) {
    const listener = await context.listenDatagrams({ host: "", port: 0, family: host.includes(":") ? 6 : 4 });
    try {
      for await (const piece of body) {
        await listener.send(piece, { address: host, port });
        sent += piece.length;
      }
    } finally {
      listener.close();
    }
    return sent;
  }
  const channel = await context.dialDatagrams({ host, port, ...rest });
  try {
    for await (const piece of body) await channel.send(piece);
    return channel.bytesWritten;
  } finally {
    channel.close();
  }
}
