/** Octets to a place, and how it took them. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Target } from "../../src/plugin.js";
import { dialPlace, isManyfold, shownPlace } from "./address.js";
import { dial } from "./opened.js";
import { takeRest, writeTo } from "./pour.js";

export interface Delivery {
  /** Octets. */
  readonly sent: number;
  /** The first of what the peer said to it; empty when it said nothing. */
  readonly answer: Buffer;
}

/** Octets of an answer that are kept. */
const MOST_KEPT = 1024;
/** Milliseconds after which a peer that goes on talking has been heard enough. */
const LONGEST_FAREWELL = 60_000;
/** What an IPv4 datagram can hold: 65,535 octets without its headers (RFC 768, RFC 791). */
const LARGEST_DATAGRAM = 65_507;

/** Over a connection of its own. @param patient the idle limit rests @param from the port of this side @throws PortholeError */
export async function deliver(
  body: AsyncIterable<Uint8Array>,
  target: Target,
  context: Context,
  patient: boolean,
  from: { readonly localPort?: number } = {},
): Promise<Delivery> {
  const connection = await dial(context, { ...dialPlace(target), ...from, patient });
  const answer: Buffer[] = [];
  let kept = 0;
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const piece of body) await writeTo(connection, piece);
    timer = setTimeout(() => connection.destroy(), LONGEST_FAREWELL);
    // To close with octets unread would be a reset, which can destroy what the peer has not yet read.
    await takeRest(connection, async (octets) => {
      if (kept >= MOST_KEPT) return;
      answer.push(Buffer.from(octets.subarray(0, MOST_KEPT - kept)));
      kept += octets.length;
    });
    return { sent: connection.bytesWritten, answer: Buffer.concat(answer) };
  } finally {
    clearTimeout(timer);
    connection.destroy();
  }
}

/** Each piece is a datagram. @returns octets sent @throws PortholeError `usage` for a piece that is too large for one */
export async function deliverDatagrams(
  body: AsyncIterable<Uint8Array>,
  target: Target,
  context: Context,
  from: { readonly localPort?: number } = {},
): Promise<number> {
  const { host, port, ...rest } = { ...dialPlace(target), ...from };
  let sent = 0;
  if (isManyfold(host)) {
    const listener = await context.listenDatagrams({
      host: "",
      port: from.localPort ?? 0,
      family: host.includes(":") ? 6 : 4,
    });
    context.note(`sends to all at ${shownPlace(target)}`);
    try {
      for await (const piece of body) {
        refuseTooLarge(piece.length);
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
    for await (const piece of body) {
      refuseTooLarge(piece.length);
      await channel.send(piece);
    }
    return channel.bytesWritten;
  } finally {
    channel.close();
  }
}

/** What is no more than a datagram holds stays one; more of a stream is cut. */
export function* cutForDatagrams(piece: Uint8Array): Generator<Uint8Array> {
  if (piece.length === 0) yield piece;
  for (let at = 0; at < piece.length; at += LARGEST_DATAGRAM) yield piece.subarray(at, at + LARGEST_DATAGRAM);
}

/** All of a body as one datagram. @throws PortholeError `usage` when it does not fit */
export async function* asOneDatagram(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    refuseTooLarge(size);
    pieces.push(piece);
  }
  yield Buffer.concat(pieces);
}

function refuseTooLarge(size: number): void {
  if (size <= LARGEST_DATAGRAM) return;
  throw new PortholeError("usage", `a datagram holds ${LARGEST_DATAGRAM} octets at most`, {
    hint: "send less at a time, or over tcp:",
  });
}
