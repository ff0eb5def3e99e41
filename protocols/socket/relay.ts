/** `porthole socket relay FROM TO`: a listener whose peers are each connected on, with TLS put on or taken off. */
import { messageOf, PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { type Outlet, outputsOf } from "../../src/net/outlet.js";
import type { Invocation, Output } from "../../src/plugin.js";
import { dialPlace, listenPlace, shownPlace } from "./address.js";
import { addressesOf } from "./connect.js";
import { dial, isPatient, type Opened, opened } from "./opened.js";
import { comingFrom, endSending, pour } from "./pour.js";
import { admission } from "./serving.js";
import { Shown } from "./shown.js";

const USAGE = "porthole socket relay tcp://:8080 tls://HOST:443";

export async function* relay(invocation: Invocation): AsyncGenerator<Output> {
  const [first, second, third] = invocation.words;
  if (third !== undefined) throw new PortholeError("usage", "a relay has two ends", { hint: USAGE });
  if (first !== undefined && second !== undefined && [first, second].some(isOtherEnd)) {
    const { relayEnds } = await import("./relay-ends.js");
    yield* outputsOf<Output>((outlet) => relayEnds(invocation, outlet));
    return;
  }
  const from = await opened(invocation, first, USAGE);
  const to = await opened(invocation, second, USAGE);
  yield* outputsOf<Output>((outlet) => relayAll(invocation, from, to, outlet));
}

/** Whether a word names an end that is no plain URL of a stream's socket. */
function isOtherEnd(word: string): boolean {
  return word === "-" || /^(?:exec|serial|pty|file|connect|listen|udp):/.test(word);
}

async function relayAll(
  invocation: Invocation,
  from: Opened,
  to: Opened,
  outlet: Outlet<Output>,
): Promise<void> {
  const { options } = invocation;
  const most = options["max-conns"];
  const patient = isPatient(invocation);
  const listener = await from.context.listen({
    ...listenPlace(from.target),
    purpose: "from",
    patient,
    onLost: (words) => invocation.warn(words),
    ...(typeof most === "number" ? { mostConnections: most } : {}),
    ...admission(invocation, outlet),
  });
  const relaying = new Set<Promise<void>>();
  const { address, port, socketPath, fingerprint } = listener.place;
  if (options["json"] === true) {
    const at = socketPath === undefined ? { address, port } : { path: socketPath };
    const made = fingerprint === undefined ? {} : { fingerprint };
    await outlet.put(
      new Shown(options).event("listening", "", { ...at, ...made, to: to.target.href(to.target.path) }),
    );
  } else {
    const made = fingerprint === undefined ? "" : `, certificate SHA-256 ${fingerprint}`;
    invocation.warn(`relaying from ${listener.shown} to ${shownPlace(to.target)}${made}`);
  }
  let number = 0;
  try {
    for await (const near of listener) {
      near.guessSecrets();
      number += 1;
      const shown = new Shown(options, { connection: number });
      const tell = (event: string, facts: Record<string, string | number>) =>
        options["json"] === true ? outlet.put(shown.event(event, "", facts)) : Promise.resolve();
      const relayed = relayOne(
        near,
        () => dial(to.context, { ...dialPlace(to.target), purpose: "to", patient }),
        tell,
      )
        // One peer's failure is not the others'.
        .catch((thrown: unknown) => invocation.warn(messageOf(thrown)))
        .finally(() => relaying.delete(relayed));
      relaying.add(relayed);
    }
  } finally {
    listener.close();
    await Promise.all(relaying);
  }
}

async function relayOne(
  near: Connection,
  dial: () => Promise<Connection>,
  tell: (event: string, facts: Record<string, string | number>) => Promise<void>,
): Promise<void> {
  let far: Connection | undefined;
  try {
    await tell("connection", definedOnly(addressesOf(near)));
    far = await dial();
    const there = far;
    // Each direction ends by itself: what one side closes, the other is told, and may still speak.
    await Promise.all([
      pour(comingFrom(near), there).then(() => endSending(there)),
      pour(comingFrom(there), near).then(() => endSending(near)),
    ]);
    await tell("closed", { received: near.bytesRead, sent: near.bytesWritten });
  } finally {
    near.destroy();
    far?.destroy();
  }
}

function definedOnly(
  facts: Readonly<Record<string, string | number | undefined>>,
): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(facts).filter((fact): fact is [string, string | number] => fact[1] !== undefined),
  );
}
