/**
 * `porthole socket listen --broker`: what one peer says, or standard input, goes to all others. With `--chat` it goes line by
 * line, each led by who said it (both as ncat has them).
 *
 * Nobody's pace is everybody's: what a peer has not taken waits for it up to a limit; then all others wait for a while, and
 * then that peer is dropped.
 */
import { StringDecoder } from "node:string_decoder";
import { messageOf, PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Outlet } from "../../src/net/outlet.js";
import { roomIn } from "../../src/net/room.js";
import type { Invocation, Output } from "../../src/plugin.js";
import { safeText } from "../../src/text/safe.js";
import { applyOptions } from "./connect.js";
import type { Opened } from "./opened.js";
import { fromStandardInput, givenToSend } from "./outgoing.js";
import { comingFrom, endSending, writeTo } from "./pour.js";
import { listenAt, shownPeer, tellArrival } from "./serving.js";
import { Shown } from "./shown.js";

/** Octets that may wait for a peer before the others are held; it has the time of a hold to take them all. */
const MOST_WAITING = 1024 * 1024;
/** Milliseconds that a peer may hold the others at a time. */
const LONGEST_HOLD = 5000;
/** Characters of a line; a longer one goes out in several. */
const LONGEST_LINE = 16 * 1024;
/** Standard input's number among those who chat. */
const OURSELVES = 0;

interface Peer {
  readonly number: number;
  readonly connection: Connection;
  /** It has been greeted, and hears the others. */
  hears: boolean;
}

export async function broke(invocation: Invocation, place: Opened, outlet: Outlet<Output>): Promise<void> {
  refuseOthers(invocation, place);
  const listener = await listenAt(invocation, place, outlet);
  const room = new Room(invocation, outlet);
  const serving = new Set<Promise<void>>();
  // Its end is no end of the conversation, and neither is its failure.
  room.standardInput().catch((thrown: unknown) => invocation.warn(messageOf(thrown)));
  try {
    let number = 0;
    for await (const connection of listener) {
      connection.guessSecrets();
      number += 1;
      const served = room
        .serve(connection, number)
        // One peer's failure is not the others'.
        .catch((thrown: unknown) => invocation.warn(messageOf(thrown)))
        .finally(() => serving.delete(served));
      serving.add(served);
    }
  } finally {
    listener.close();
    room.close();
    await Promise.all(serving);
  }
}

/** @throws PortholeError `usage` for what does not go with it */
function refuseOthers({ options }: Invocation, { target }: Opened): void {
  const word = options["chat"] === true ? "--chat" : "--broker";
  if (target.url.scheme === "udp") {
    throw new PortholeError("usage", `${word} needs peers that stay: udp: has none`, {
      hint: "listen on tcp:, tls: or unix:",
    });
  }
  const other = ["echo", "exec"].find((flag) => options[flag] !== undefined && options[flag] !== false);
  if (other === undefined) return;
  throw new PortholeError("usage", `${word} and --${other} do not go together`, {
    hint: `leave out one of them: with ${word} peers are answered by each other`,
  });
}

/** Those who are there, and what is said among them. */
class Room {
  readonly #invocation: Invocation;
  readonly #outlet: Outlet<Output>;
  readonly #peers = new Map<number, Peer>();
  readonly #chat: boolean;

  constructor(invocation: Invocation, outlet: Outlet<Output>) {
    this.#invocation = invocation;
    this.#outlet = outlet;
    this.#chat = invocation.options["chat"] === true;
  }

  async serve(connection: Connection, number: number): Promise<void> {
    const { options } = this.#invocation;
    const shown = new Shown(options, { connection: number });
    const peer: Peer = { number, connection, hears: false };
    this.#peers.set(number, peer);
    try {
      await tellArrival(this.#invocation, connection, this.#outlet, shown);
      applyOptions(connection, this.#invocation);
      for await (const piece of givenToSend(options) ?? []) await writeTo(connection, piece);
      if (this.#chat) await this.#announceArrival(peer);
      peer.hears = true;
      await this.#pass(number, comingFrom(connection), shown);
      // As with ncat: who has said all it had to say is let go, with what still waits for it.
      this.#peers.delete(number);
      await endSending(connection);
      if (options["json"] === true) {
        const counts = { received: connection.bytesRead, sent: connection.bytesWritten };
        await this.#outlet.put(shown.event("closed", "", counts));
      }
    } finally {
      this.#peers.delete(number);
      connection.destroy();
      if (this.#chat) await this.#say(number, announcement(`${nameOf(number)} is disconnected.`));
    }
  }

  async standardInput(): Promise<void> {
    await this.#pass(OURSELVES, fromStandardInput(this.#invocation), undefined);
  }

  close(): void {
    for (const { connection } of this.#peers.values()) connection.destroy();
  }

  /** What one of them says, to all others and, where it is a peer, to standard output. */
  async #pass(from: number, said: AsyncIterable<Uint8Array>, shown: Shown | undefined): Promise<void> {
    const pieces = this.#chat ? ledLines(said, `${nameOf(from)} `) : said;
    for await (const piece of pieces) {
      if (shown !== undefined) await this.#outlet.put(shown.octets(Buffer.from(piece)));
      await this.#say(from, piece);
    }
  }

  async #say(from: number, piece: Uint8Array): Promise<void> {
    const others = [...this.#peers.values()].filter(({ number, hears }) => hears && number !== from);
    for (const { connection } of others) {
      if (!connection.destroyed && !connection.writableEnded) connection.write(piece);
    }
    await Promise.all(others.map((peer) => this.#waitFor(peer)));
  }

  /** Until a peer has taken enough of what waits for it; one that does not in time is dropped. */
  async #waitFor({ number, connection }: Peer): Promise<void> {
    if (!isBehind(connection)) return;
    const timer = setTimeout(() => {
      if (connection.destroyed) return;
      this.#peers.delete(number);
      const waiting = connection.writableLength;
      const seconds = LONGEST_HOLD / 1000;
      this.#invocation.warn(
        `${shownPeer(connection)} does not take what is said: ${waiting} octets wait for it, the others waited ${seconds} s; dropped`,
      );
      if (this.#invocation.options["json"] === true) {
        const event = new Shown(this.#invocation.options, { connection: number });
        void this.#outlet.put(event.event("dropped", "", { waiting }));
      }
      connection.destroy();
    }, LONGEST_HOLD);
    try {
      await roomIn(connection);
    } finally {
      clearTimeout(timer);
    }
  }

  /** As ncat words it: each is told who is there, the others that it came. */
  async #announceArrival({ number, connection }: Peer): Promise<void> {
    const arrival = announcement(`${placeOf(connection)} is connected as ${nameOf(number)}.`);
    const others = [...this.#peers.values()]
      .filter((other) => other.number !== number)
      .map((other) => `${placeOf(other.connection)} as ${nameOf(other.number)}`);
    await writeTo(connection, arrival);
    const names = others.length === 0 ? "nobody" : others.join(", ");
    await writeTo(connection, announcement(`already connected: ${names}.`));
    await this.#say(number, arrival);
  }
}

function isBehind(connection: Connection): boolean {
  return !connection.destroyed && connection.writableLength > MOST_WAITING;
}

function nameOf(number: number): string {
  return `<user${number}>`;
}

function placeOf({ facts: { address } }: Connection): string {
  return address ?? "a Unix socket";
}

function announcement(words: string): Buffer {
  return Buffer.from(`<announce> ${words}\n`);
}

/** Line by line, each led by `name` and harmless for the terminals of all who read it. */
async function* ledLines(said: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Buffer> {
  const decoder = new StringDecoder("utf8");
  const led = (line: string) => Buffer.from(`${name}${safeText(line.replace(/\r$/, ""))}\n`);
  let begun = "";
  for await (const piece of said) {
    const lines = (begun + decoder.write(Buffer.from(piece))).split("\n");
    begun = lines.pop() ?? "";
    for (const line of lines) yield led(line);
    for (; begun.length > LONGEST_LINE; begun = begun.slice(LONGEST_LINE))
      yield led(begun.slice(0, LONGEST_LINE));
  }
  begun += decoder.end();
  if (begun !== "") yield led(begun);
}
