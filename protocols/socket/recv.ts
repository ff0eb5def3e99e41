/** `porthole socket recv URL`: what comes, and nothing sent. */

import { PortholeError } from "../../src/errors.js";
import type { Invocation, Output } from "../../src/plugin.js";
import { dialPlace, listenPlace, sourcePort } from "./address.js";
import { numberOf } from "./connect.js";
import { dial, isPatient, type Opened, openedOne } from "./opened.js";
import { Shown, shownFrom } from "./shown.js";

const USAGE = "porthole socket recv tcp://HOST:PORT, or udp://:PORT";

export async function* recv(invocation: Invocation): AsyncGenerator<Output> {
  const place = await openedOne(invocation, USAGE);
  if (place.target.url.scheme === "udp") {
    if (invocation.options["source-port"] !== undefined) {
      throw new PortholeError("usage", "the port of udp: is this machine's own, and stands in the URL", {
        hint: USAGE,
      });
    }
    yield* receiveDatagrams(invocation, place);
    return;
  }
  const shown = new Shown(invocation.options);
  const connection = await dial(place.context, {
    ...dialPlace(place.target),
    ...sourcePort(place.target, invocation.options),
    patient: isPatient(invocation),
    bulk: true,
  });
  try {
    yield* shownFrom(connection, shown);
  } finally {
    connection.destroy();
  }
}

/** A group's address is joined; any other is one of this machine's. */
async function* receiveDatagrams(
  invocation: Invocation,
  { target, context }: Opened,
): AsyncGenerator<Output> {
  const { options } = invocation;
  const listener = await context.listenDatagrams(listenPlace(target));
  const shown = new Shown(options);
  const most = numberOf(options["count"], 1);
  const wait = numberOf(options["timeout"], 0);
  try {
    for (let count = 0; most === 0 || count < most; count++) {
      const datagram = await listener.receive(wait * 1000);
      if (datagram === undefined) {
        throw new PortholeError("timeout", `no datagram came to ${listener.shown} within ${wait} s`, {
          hint: "--timeout sets how long to wait",
        });
      }
      yield shown.octets(datagram.octets, { ...datagram.from });
    }
  } finally {
    listener.close();
  }
}
