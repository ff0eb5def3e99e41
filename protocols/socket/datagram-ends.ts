/** Datagrams at the ends of a relay: each piece is one, and whoever sends is a peer until it has been silent for long. */
import type { DatagramChannel } from "../../src/net/datagram.js";
import type { DatagramListener, DatagramPlace } from "../../src/net/datagram-listener.js";
import { cutForDatagrams } from "./delivery.js";
import type { End } from "./ends.js";

/** Milliseconds of silence, both ways, after which a sender is no peer any more: the next datagram makes it a new one. */
const SILENCE = 60_000;
/** Senders at the same time: anybody can write any address on a datagram. */
const MOST_PEERS = 1000;
/** Datagrams of a sender that wait to be passed on; more are lost, as they are anywhere on the way. */
const MOST_WAITING = 256;

export function channelEnd(channel: DatagramChannel): End {
  return {
    coming: channel,
    put: async (piece) => {
      for (const datagram of cutForDatagrams(piece)) await channel.send(datagram);
    },
    finish: async () => {},
    endless: true,
    close: async () => channel.close(),
  };
}

/** Whoever sends to a listener, one after the other as they come. */
export class DatagramPeers {
  readonly #listener: DatagramListener;
  readonly #warn: (text: string) => void;
  readonly #peers = new Map<string, Sender>();
  readonly #arrived: Sender[] = [];
  #wake: () => void = () => {};
  #over = false;
  #failure: unknown;
  #full = false;

  constructor(listener: DatagramListener, warn: (text: string) => void) {
    this.#listener = listener;
    this.#warn = warn;
    this.#listen().then(
      () => this.#end(undefined),
      (thrown: unknown) => this.#end(thrown),
    );
  }

  /** The next who sends for the first time; undefined when the listener is closed. */
  async accept(): Promise<End | undefined> {
    for (;;) {
      const sender = this.#arrived.shift();
      if (sender !== undefined) return sender;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#listener.close();
  }

  async #listen(): Promise<void> {
    for await (const { octets, from } of this.#listener) {
      const key = `${from.address} ${from.port}`;
      const known = this.#peers.get(key);
      if (known !== undefined) known.take(octets);
      else if (this.#peers.size < MOST_PEERS) {
        const sender = new Sender(this.#listener, from, () => this.#peers.delete(key));
        this.#peers.set(key, sender);
        sender.take(octets);
        this.#arrived.push(sender);
        this.#wake();
      } else if (!this.#full) {
        this.#full = true;
        this.#warn(`${MOST_PEERS} senders at the same time: what others send is dropped`);
      }
    }
  }

  #end(failure: unknown): void {
    this.#over = true;
    this.#failure = failure;
    this.#wake();
    for (const sender of this.#peers.values()) void sender.close();
  }
}

/** One address that datagrams come from. */
class Sender implements End {
  readonly endless = true;
  readonly #listener: DatagramListener;
  readonly #place: DatagramPlace;
  readonly #leave: () => void;
  readonly #waiting: Buffer[] = [];
  readonly #silence: NodeJS.Timeout;
  #wake: () => void = () => {};
  #closed = false;

  constructor(listener: DatagramListener, place: DatagramPlace, leave: () => void) {
    this.#listener = listener;
    this.#place = place;
    this.#leave = leave;
    this.#silence = setTimeout(() => void this.close(), SILENCE);
  }

  get coming(): AsyncIterable<Uint8Array> {
    return this.#datagrams();
  }

  take(octets: Buffer): void {
    this.#silence.refresh();
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(octets);
    this.#wake();
  }

  async put(piece: Uint8Array): Promise<void> {
    if (this.#closed) return;
    this.#silence.refresh();
    for (const datagram of cutForDatagrams(piece)) await this.#listener.send(datagram, this.#place);
  }

  async finish(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#silence);
    this.#leave();
    this.#wake();
  }

  async *#datagrams(): AsyncGenerator<Uint8Array> {
    while (!this.#closed) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
