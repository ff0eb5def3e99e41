/** `porthole socket listen URL`: the simple server. */
import { hostname } from "node:os";
import { messageOf, PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { type Outlet, outputsOf } from "../../src/net/outlet.js";
import type { Invocation, Output } from "../../src/plugin.js";
import { listenPlace } from "./address.js";
import { applyOptions } from "./connect.js";
import { type Opened, openedOne } from "./opened.js";
import { checkGiven, fromStandardInput, givenToSend } from "./outgoing.js";
import { comingFrom, endSending, takeRest, writeTo } from "./pour.js";
import { admission, checkMostPeers, listenAt, tellArrival } from "./serving.js";
import { Shown } from "./shown.js";

const USAGE = "porthole socket listen tcp://:PORT";

export async function* listen(invocation: Invocation): AsyncGenerator<Output> {
  refuseUnallowed(invocation);
  checkMostPeers(invocation);
  const place = await openedOne(invocation, USAGE);
  await checkGiven(invocation.options);
  const { options } = invocation;
  if (options["broker"] === true || options["chat"] === true) {
    const { broke } = await import("./broker.js");
    yield* outputsOf<Output>((outlet) => broke(invocation, place, outlet));
    return;
  }
  yield* outputsOf<Output>((outlet) =>
    place.target.url.scheme === "udp"
      ? serveDatagrams(invocation, place, outlet)
      : serveConnections(invocation, place, outlet),
  );
}

function refuseUnallowed({ options }: Invocation): void {
  if (options["pty"] === true && options["exec"] === undefined) {
    throw new PortholeError("usage", "--pty is for what --exec runs", { hint: "give a command with --exec" });
  }
  if (options["exec"] === undefined || options["allow-exec"] === true) return;
  throw new PortholeError("usage", "--exec lets whoever can connect run a command here, as you", {
    hint: "say --allow-exec if that is what you want, and listen on 127.0.0.1 rather than on all addresses",
  });
}

async function serveConnections(
  invocation: Invocation,
  place: Opened,
  outlet: Outlet<Output>,
): Promise<void> {
  const { options } = invocation;
  const keepOpen = options["keep-open"] === true;
  const listener = await listenAt(invocation, place, outlet);
  const serving = new Set<Promise<void>>();
  try {
    let number = 0;
    for await (const connection of listener) {
      connection.guessSecrets();
      number += 1;
      if (!keepOpen) {
        listener.close();
        await serve(invocation, connection, outlet, number);
        break;
      }
      const served = serve(invocation, connection, outlet, number)
        // One peer's failure is not the others'.
        .catch((thrown: unknown) => invocation.warn(messageOf(thrown)))
        .finally(() => serving.delete(served));
      serving.add(served);
    }
  } finally {
    listener.close();
    await Promise.all(serving);
  }
}

async function serve(
  invocation: Invocation,
  connection: Connection,
  outlet: Outlet<Output>,
  number: number,
): Promise<void> {
  const { options } = invocation;
  const shown = new Shown(options, { connection: number });
  const json = options["json"] === true;
  await tellArrival(invocation, connection, outlet, shown);
  applyOptions(connection, invocation);
  const show = (octets: Uint8Array) => outlet.put(shown.octets(Buffer.from(octets)));
  try {
    const command = options["exec"];
    if (typeof command === "string") {
      const { runFor } = await import("./exec.js");
      await runFor(connection, command, options["pty"] === true, (text) => invocation.warn(text));
    } else await answer(invocation, connection, show);
    if (json) {
      await outlet.put(
        shown.event("closed", "", { received: connection.bytesRead, sent: connection.bytesWritten }),
      );
    }
  } finally {
    connection.destroy();
  }
}

async function answer(
  invocation: Invocation,
  connection: Connection,
  show: (octets: Uint8Array) => Promise<void>,
): Promise<void> {
  const { options } = invocation;
  const given = givenToSend(options);
  const halfClose = options["half-close"] !== false;
  if (given !== undefined) {
    for await (const piece of given) await writeTo(connection, piece);
    if (options["echo"] !== true && halfClose) {
      await takeRest(connection, show);
      return;
    }
  } else if (options["echo"] !== true && options["keep-open"] !== true) {
    // What fails here fails the connection too.
    pourInput(invocation, connection, halfClose).catch((thrown: Error) => connection.destroy(thrown));
  }
  if (options["echo"] === true) {
    for await (const piece of comingFrom(connection)) {
      await writeTo(connection, piece);
      await show(piece);
    }
  } else await connection.pour(show);
  // The peer has said all it had to say, and so have we.
  await endSending(connection);
}

async function pourInput(invocation: Invocation, connection: Connection, halfClose: boolean): Promise<void> {
  let sent = 0;
  for await (const piece of fromStandardInput(invocation)) {
    sent += piece.length;
    await writeTo(connection, piece);
  }
  if (halfClose && (sent > 0 || invocation.stdinIsTerminal)) connection.end();
}

async function serveDatagrams(invocation: Invocation, place: Opened, outlet: Outlet<Output>): Promise<void> {
  const { options } = invocation;
  const listener = await place.context.listenDatagrams({
    ...listenPlace(place.target),
    ...admission(invocation, outlet),
  });
  if (options["json"] === true) {
    await outlet.put(new Shown(options).event("listening", "", { ...listener.place, hostname: hostname() }));
  } else invocation.warn(`listening on ${listener.shown}`);
  const shown = new Shown(options);
  try {
    for await (const { octets, from } of listener) {
      await outlet.put(shown.octets(octets, { ...from }));
      if (options["echo"] === true) await listener.send(octets, from);
      for await (const piece of givenToSend(options) ?? []) await listener.send(piece, from);
      if (options["keep-open"] !== true) break;
    }
  } finally {
    listener.close();
  }
}
