/** `porthole socket connect URL`: the simple client. */
import type { Duplex } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import { Connection } from "../../src/net/connection.js";
import { Conversation } from "../../src/net/conversation.js";
import type { DatagramListener } from "../../src/net/datagram-listener.js";
import { outputsOf } from "../../src/net/outlet.js";
import { runSteps, talkSteps } from "../../src/net/steps.js";
import { type Invocation, type Output, stepsOf } from "../../src/plugin.js";
import { dialPlace, isManyfold, sourcePort } from "./address.js";
import { dial, isPatient, type Opened, openedOne } from "./opened.js";
import { checkGiven, fromStandardInput, givenToSend, octetsOf } from "./outgoing.js";
import { writeTo } from "./pour.js";
import { Shown, shownFrom } from "./shown.js";

const USAGE = "porthole socket connect tcp://HOST:PORT";
/** Seconds. */
const SETTLE = 1;
const DEFAULT_WAIT = 60;

export async function* connect(invocation: Invocation): AsyncGenerator<Output> {
  const place = await openedOne(invocation, USAGE);
  await checkGiven(invocation.options);
  if (place.target.url.scheme === "udp") {
    if (invocation.options["telnet"] === true) {
      throw new PortholeError("usage", "--telnet is for streams: Telnet does not speak over udp:");
    }
    yield* converseInDatagrams(invocation, place);
    return;
  }
  const steps = stepsOf(invocation.options, ["send", "expect"]);
  const scripted = steps.some(({ flag }) => flag === "expect");
  const patient = isPatient(invocation);
  const connection = await dial(place.context, {
    ...dialPlace(place.target),
    ...sourcePort(place.target, invocation.options),
    patient: patient || scripted,
    bulk: !scripted,
  });
  applyOptions(connection, invocation);
  const shown = new Shown(invocation.options);
  try {
    if (invocation.options["json"] === true) yield shown.event("connected", "", addressesOf(connection));
    const telnet = invocation.options["telnet"] === true;
    const stream = telnet ? (await import("./telnet-answers.js")).answeringTelnet(connection) : connection;
    if (scripted) yield* converse(invocation, place, stream, shown);
    else yield* exchange(invocation, stream, shown);
    if (invocation.options["json"] === true) {
      yield shown.event("closed", "", { received: connection.bytesRead, sent: connection.bytesWritten });
    }
  } finally {
    connection.destroy();
  }
}

/** Sends what there is while it prints what comes; the peer's close is the end. */
async function* exchange(
  invocation: Invocation,
  connection: Duplex,
  shown: Shown,
): AsyncGenerator<Output, void, undefined> {
  // What fails here fails the connection too, or is a file that cannot be read, which must end it.
  sendAll(invocation, connection).catch((thrown: Error) => connection.destroy(thrown));
  if (connection instanceof Connection) yield* shownFrom(connection, shown);
  else for await (const piece of connection.iterator({ destroyOnReturn: false })) yield shown.octets(piece);
}

async function sendAll(invocation: Invocation, connection: Duplex): Promise<void> {
  const { options } = invocation;
  const given = givenToSend(options);
  let sent = 0;
  for await (const piece of given ?? fromStandardInput(invocation)) {
    sent += piece.length;
    await writeTo(connection, piece);
  }
  // Nothing on standard input (</dev/null) is no wish to end: some servers drop what they had to say then.
  if (options["half-close"] !== false && (sent > 0 || invocation.stdinIsTerminal)) connection.end();
}

/** `--expect A --send B ...` in the order given. */
function converse(
  invocation: Invocation,
  place: Opened,
  connection: Duplex,
  shown: Shown,
): AsyncGenerator<Output> {
  const { options } = invocation;
  return outputsOf<Output>(async (outlet) => {
    const talk = new Conversation(connection, {
      onOctets: (octets) => outlet.put(shown.octets(Buffer.from(octets))),
    });
    const wait = numberOf(options["timeout"], DEFAULT_WAIT) * 1000;
    const steps = talkSteps(stepsOf(options, ["send", "expect"]));
    const send = (text: string) => talk.send(octetsOf(text, options));
    for await (const { step, ms } of runSteps(talk, steps, send, wait)) {
      place.context.note(`step ${step} took ${ms.toFixed(0)} ms`);
    }
    if (options["half-close"] !== false) connection.end();
    await talk.settle(numberOf(options["settle"], SETTLE) * 1000, wait);
  });
}

/** Datagrams have no end: an answer is whole after a silence; without anything to send it goes on until Ctrl-C. */
async function* converseInDatagrams(
  invocation: Invocation,
  { target, context }: Opened,
): AsyncGenerator<Output, void, undefined> {
  const { options } = invocation;
  const endpoint = { ...dialPlace(target), ...sourcePort(target, options) };
  const shown = new Shown(options);
  const given = givenToSend(options);
  const peer = isManyfold(endpoint.host)
    ? peerOfMany(
        await context.listenDatagrams({
          host: "",
          port: endpoint.localPort ?? 0,
          family: endpoint.host.includes(":") ? 6 : 4,
        }),
        {
          address: endpoint.host,
          port: endpoint.port,
        },
      )
    : await context.dialDatagrams({ ...endpoint, patient: isPatient(invocation) });
  let finished = false;
  let timer: NodeJS.Timeout | undefined;
  const settle = numberOf(options["settle"], SETTLE) * 1000;
  const endAfter = (milliseconds: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => peer.close(), milliseconds);
  };
  const sendAll = async () => {
    for await (const piece of given ?? fromStandardInput(invocation)) await peer.send(piece);
    finished = given !== undefined || !invocation.stdinIsTerminal;
    if (finished) endAfter(numberOf(options["timeout"], settle / 1000) * 1000);
  };
  let failure: Error | undefined;
  sendAll().catch((thrown: Error) => {
    failure = thrown;
    peer.close();
  });
  try {
    for await (const octets of peer) {
      yield shown.octets(octets);
      if (finished) endAfter(settle);
    }
    if (failure !== undefined) throw failure;
  } finally {
    clearTimeout(timer);
    peer.close();
  }
}

interface DatagramPeer extends AsyncIterable<Buffer> {
  send(octets: Uint8Array): Promise<void>;
  close(): void;
}

/** All who answer a broadcast or a group, each from an address of their own. */
function peerOfMany(listener: DatagramListener, to: { address: string; port: number }): DatagramPeer {
  return {
    send: (octets) => listener.send(octets, to),
    close: () => listener.close(),
    async *[Symbol.asyncIterator]() {
      for await (const { octets } of listener) yield octets;
    },
  };
}

export function applyOptions(connection: Connection, { options }: Pick<Invocation, "options">): void {
  if (options["nodelay"] === true) connection.setNoDelay();
  if (options["keepalive"] === true) connection.setKeepAlive(true);
}

export function addressesOf(connection: Connection) {
  const { address, port, socketPath } = connection.facts;
  return {
    ...(socketPath === undefined ? {} : { path: socketPath }),
    ...(address === undefined ? {} : { address, port }),
    ...(connection.localAddress === undefined
      ? {}
      : { localAddress: connection.localAddress, localPort: connection.localPort }),
  };
}

export function numberOf(value: unknown, usual: number): number {
  return typeof value === "number" ? value : usual;
}
