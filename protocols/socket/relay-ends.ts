/** A relay with ends of any kind: `exec:`, `serial:`, `pty:`, `file:`, `-`, and sockets that connect or listen. */
import { whenAborted } from "../../src/abort.js";
import { abortReason, messageOf, PortholeError } from "../../src/errors.js";
import type { Outlet } from "../../src/net/outlet.js";
import type { Invocation, Output } from "../../src/plugin.js";
import { dialPlace, listenPlace } from "./address.js";
import { addressesOf, numberOf } from "./connect.js";
import { channelEnd, DatagramPeers } from "./datagram-ends.js";
import {
  commandEnd,
  connectionEnd,
  type End,
  fileEnd,
  join,
  serialEnd,
  standardEnd,
  terminalEnd,
} from "./ends.js";
import { dial, isPatient, type Opened, opened } from "./opened.js";
import { admission, listenAt } from "./serving.js";
import { Shown } from "./shown.js";

const USAGE = "porthole socket relay -- - tcp://HOST:PORT, or tcp://:PORT exec:COMMAND --allow-exec";
/** Seconds. */
const SETTLE = 1;

interface Side {
  /** Opens it once more; undefined when nobody can come any more. */
  readonly open: () => Promise<End | undefined>;
  readonly listener?: { close(): void };
  /** It is there once: not for several peers at the same time. */
  readonly once?: true;
}

export async function relayEnds(invocation: Invocation, outlet: Outlet<Output>): Promise<void> {
  const [first = "", second = ""] = invocation.words;
  const settle = numberOf(invocation.options["settle"], SETTLE) * 1000;
  const open = new Set<End>();
  const unheeded = whenAborted(invocation.signal, () => {
    for (const end of open) void end.close();
  });
  const joinOne = async (near: End, far: End) => {
    const both = [near, far];
    for (const end of both) open.add(end);
    try {
      // It may have fired while an end was being opened.
      if (invocation.signal.aborted) await Promise.all(both.map((end) => end.close()));
      else {
        await join(near, far, settle);
        for (const end of both) await end.tellClosed?.();
      }
    } finally {
      for (const end of both) open.delete(end);
    }
  };
  const joining = new Set<Promise<void>>();
  const sides: Side[] = [];
  try {
    const from = await sideOf(invocation, outlet, first, "from");
    sides.push(from);
    const to = await sideOf(invocation, outlet, second, "to");
    sides.push(to);
    for (;;) {
      const near = await from.open();
      if (near === undefined) break;
      const joined = to
        .open()
        .then((far) => (far === undefined ? near.close() : joinOne(near, far)))
        .catch(async (thrown: unknown) => {
          await near.close();
          if (from.listener === undefined) throw thrown;
          // One peer's failure is not the others'.
          invocation.warn(messageOf(thrown));
        })
        .finally(() => joining.delete(joined));
      joining.add(joined);
      if (from.listener === undefined || to.once === true || to.listener !== undefined) await joined;
      if (from.listener === undefined || second === "-") break;
    }
  } finally {
    for (const { listener } of sides) listener?.close();
    await Promise.all(joining);
    unheeded();
  }
  // What was closed for the signal ended as if by itself.
  if (invocation.signal.aborted) throw abortReason(invocation.signal);
}

async function sideOf(
  invocation: Invocation,
  outlet: Outlet<Output>,
  word: string,
  side: "from" | "to",
): Promise<Side> {
  const warn = (text: string) => invocation.warn(text);
  const [, kind = "", rest = ""] = /^(exec|serial|pty|file|connect|listen):(.*)$/s.exec(word) ?? [];
  const [path = "", query = ""] = /^([^?]*)(?:\?(.*))?$/s.exec(rest)?.slice(1) ?? [];
  if (word === "-") return { open: async () => standardEnd(invocation, outlet), once: true };
  if (rest === "" && kind !== "") throw new PortholeError("usage", `${word} names nothing`, { hint: USAGE });
  switch (kind) {
    case "exec":
      if (invocation.options["allow-exec"] !== true) {
        throw new PortholeError(
          "usage",
          "exec: lets whoever is at the other end use a command here, as you",
          {
            hint: "say --allow-exec if that is what you want",
          },
        );
      }
      return { open: async () => commandEnd(rest, invocation.options["pty"] === true, warn) };
    case "pty":
      return { open: () => terminalEnd(path, warn), once: true };
    case "serial":
      return { open: () => serialEnd(path, new URLSearchParams(query)), once: true };
    case "file":
      return { open: () => fileEnd(path, side, query === "append") };
    default: {
      const place = await opened(invocation, kind === "" ? word : rest, USAGE);
      if (place.target.url.scheme === "udp") {
        return datagramSide(invocation, outlet, place, kind === "listen" || (kind === "" && side === "from"));
      }
      if (kind === "listen" || (kind === "" && side === "from")) {
        const listener = await listenAt(invocation, place, outlet);
        let number = 0;
        const open = async () => {
          const connection = await listener.accept();
          if (connection === undefined) return undefined;
          connection.guessSecrets();
          number += 1;
          const shown = new Shown(invocation.options, { connection: number });
          const json = invocation.options["json"] === true;
          if (json) await outlet.put(shown.event("connection", "", addressesOf(connection)));
          const tellClosed = async () => {
            const facts = { received: connection.bytesRead, sent: connection.bytesWritten };
            if (json) await outlet.put(shown.event("closed", "", facts));
          };
          return { ...connectionEnd(connection), tellClosed };
        };
        return { open, listener };
      }
      const endpoint = { ...dialPlace(place.target), purpose: side, patient: isPatient(invocation) };
      return { open: async () => connectionEnd(await dial(place.context, endpoint)) };
    }
  }
}

async function datagramSide(
  invocation: Invocation,
  outlet: Outlet<Output>,
  { target, context }: Opened,
  listens: boolean,
): Promise<Side> {
  if (!listens) {
    // Whether anybody is there never shows: the other side, or Ctrl-C, ends it.
    const endpoint = { ...dialPlace(target), patient: true };
    return { open: async () => channelEnd(await context.dialDatagrams(endpoint)) };
  }
  const { host, port } = listenPlace(target);
  const listener = await context.listenDatagrams({ host, port, ...admission(invocation, outlet) });
  const { address, port: bound } = listener.place;
  if (invocation.options["json"] === true) {
    await outlet.put(new Shown(invocation.options).event("listening", "", { address, port: bound }));
  } else invocation.warn(`listening on ${listener.shown}`);
  const peers = new DatagramPeers(listener, (text) => invocation.warn(text));
  return { open: () => peers.accept(), listener: peers };
}
