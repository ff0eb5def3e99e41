/**
 * Waiting for datagrams from anybody (UDP, RFC 768): unicast, broadcast, and the groups that are joined. Whoever
 * was heard can be answered.
 *
 * Nothing holds back those who send faster than they are read, so what does not fit the queue is dropped and
 * counted, as the network itself would do.
 */
import type { Socket } from "node:dgram";
import { isIP } from "node:net";
import { abortReason, messageOf, PortholeError } from "../errors.js";
import type { AccessRules, Admits } from "./access.js";
import { connectionError, where } from "./failures.js";
import { listenError } from "./listen.js";
import type { ListenWiring } from "./listener.js";
import { resolveHost } from "./resolve.js";
import type { Tap } from "./transcript.js";

/** What of the received may wait to be read. */
const MOST_QUEUED_DATAGRAMS = 1024;
const MOST_QUEUED_OCTETS = 1024 * 1024;

export interface DatagramListenRequest {
  /** An address of this machine, a multicast group to join, or empty for all addresses. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Others may wait at the same port (SO_REUSEADDR); always so for a multicast group. */
  readonly shared?: boolean;
  /** The family of those that will be sent to, where `host` is empty; 4 when absent. */
  readonly family?: 4 | 6;
  /** From whom datagrams are taken; all others are dropped. */
  readonly access?: AccessRules;
  /** Told of each address that `access` refuses, once, as long as they are not too many. */
  readonly onRefused?: (peer: DatagramPlace) => void;
}

export interface DatagramPlace {
  readonly address: string;
  readonly port: number;
}

export interface ReceivedDatagram {
  readonly octets: Buffer;
  readonly from: DatagramPlace;
}

interface Waiter {
  readonly resolve: (datagram: ReceivedDatagram | undefined) => void;
  readonly reject: (reason: Error) => void;
}

/** Iterating gives datagrams as they come, until `close`; leaving the loop leaves it open. */
export class DatagramListener implements AsyncIterable<ReceivedDatagram>, AsyncDisposable {
  readonly place: DatagramPlace;
  /** Datagrams that came while the queue was full. */
  dropped = 0;
  readonly #socket: Socket;
  readonly #tap: Tap;
  readonly #signal: AbortSignal;
  readonly #queue: ReceivedDatagram[] = [];
  #queuedOctets = 0;
  #waiter: Waiter | undefined;
  #failure: PortholeError | undefined;
  #closed = false;
  readonly #admits: Admits;

  /** @param socket bound; the listener owns it from here on */
  constructor(socket: Socket, tap: Tap, signal: AbortSignal, admits: Admits = () => true) {
    this.#admits = admits;
    this.#socket = socket;
    this.#tap = tap;
    this.#signal = signal;
    this.place = socket.address();
    socket.on("message", this.#onMessage);
    socket.on("error", (error) => this.#end(connectionError(error, placeOf(this.place))));
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** The place as messages name it. */
  get shown(): string {
    return where(placeOf(this.place));
  }

  /** Sends one datagram. That it left says nothing of its arrival. @throws PortholeError `connect` */
  async send(octets: Uint8Array, to: DatagramPlace): Promise<void> {
    if (this.#closed) throw this.#failure ?? new PortholeError("usage", "the listener is closed");
    const datagram = Buffer.from(octets);
    this.#tap.datagram("client", datagram);
    await new Promise<void>((resolve, reject) => {
      this.#socket.send(datagram, to.port, to.address, (error) => {
        if (error) reject(connectionError(error, placeOf(to)));
        else resolve();
      });
    });
  }

  /**
   * The next datagram, or undefined once the listener is closed, or after `wait` milliseconds of silence.
   * @throws PortholeError the signal's reason; `usage` when two calls wait
   */
  async receive(wait = 0): Promise<ReceivedDatagram | undefined> {
    const queued = this.#queue.shift();
    if (queued !== undefined) {
      this.#queuedOctets -= queued.octets.length;
      return queued;
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) return undefined;
    if (this.#waiter !== undefined) {
      throw new PortholeError("usage", "two calls wait for a datagram of one listener");
    }
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.#waiter = { resolve, reject };
        if (wait > 0) timer = setTimeout(() => this.#takeWaiter()?.resolve(undefined), wait);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedDatagram, void, undefined> {
    for (let next = await this.receive(); next !== undefined; next = await this.receive()) yield next;
  }

  /** May be called again. */
  close(): void {
    this.#end(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #takeWaiter(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    return waiter;
  }

  readonly #onMessage = (octets: Buffer, { address, port }: DatagramPlace): void => {
    if (!this.#admits(address)) return;
    this.#tap.datagram("server", octets);
    const datagram = { octets, from: { address, port } };
    const waiter = this.#takeWaiter();
    if (waiter !== undefined) {
      waiter.resolve(datagram);
      return;
    }
    const full =
      this.#queue.length >= MOST_QUEUED_DATAGRAMS || this.#queuedOctets + octets.length > MOST_QUEUED_OCTETS;
    if (full) {
      this.dropped += 1;
      if (this.dropped === 1) this.#tap.note("datagrams come faster than they are read; some are dropped");
      return;
    }
    this.#queue.push(datagram);
    this.#queuedOctets += octets.length;
  };

  readonly #onAbort = (): void => {
    this.#end(abortReason(this.#signal));
  };

  #end(reason: PortholeError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failure = reason;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#socket.off("message", this.#onMessage);
    this.#socket.close();
    const waiter = this.#takeWaiter();
    if (reason === undefined) waiter?.resolve(undefined);
    else waiter?.reject(reason);
  }
}

/** @throws PortholeError `connect` when the place is taken or not this machine's; `resolve`; the signal's reason */
export async function listenDatagrams(
  request: DatagramListenRequest,
  { settings, transcript, signal }: ListenWiring,
): Promise<DatagramListener> {
  if (signal.aborted) throw abortReason(signal);
  const family = settings.family ?? request.family ?? 4;
  const name = request.host === "" ? (settings.localAddress ?? "") : request.host;
  const [found] = name === "" ? [] : await resolveHost(name, request.port, settings, signal);
  const group = found !== undefined && isMulticast(found.address) ? found : undefined;
  const admits = request.access && (await datagramAdmission(request, request.access, settings, signal));
  const { createSocket } = await import("node:dgram");
  const socket = createSocket({
    type: (found?.family ?? family) === 6 ? "udp6" : "udp4",
    reuseAddr: request.shared === true || group !== undefined,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      const address = group === undefined ? found?.address : undefined;
      socket.bind({ port: request.port, ...(address === undefined ? {} : { address }) }, () => {
        socket.off("error", reject);
        resolve();
      });
    });
    if ((found?.family ?? family) === 4) socket.setBroadcast(true);
    if (group !== undefined) joinGroup(socket, group.address, settings.localAddress);
  } catch (thrown) {
    socket.close();
    throw await listenError(thrown, request, "udp");
  }
  const tap = transcript.tap();
  const listener = new DatagramListener(socket, tap, signal, admits);
  tap.note(`waits for datagrams at ${listener.shown}`);
  return listener;
}

/** Refused addresses that are told of and remembered. */
const MOST_TOLD = 1024;

async function datagramAdmission(
  { onRefused }: DatagramListenRequest,
  access: AccessRules,
  settings: ListenWiring["settings"],
  signal: AbortSignal,
): Promise<Admits> {
  const { accessBy } = await import("./access.js");
  const admits = await accessBy(access, settings, signal);
  const told = new Set<string>();
  return (address) => {
    if (admits(address)) return true;
    if (!told.has(address) && told.size < MOST_TOLD) {
      told.add(address);
      onRefused?.({ address, port: 0 });
    }
    return false;
  };
}

function joinGroup(socket: Socket, group: string, localAddress: string | undefined): void {
  try {
    socket.addMembership(group, localAddress);
  } catch (thrown) {
    throw new PortholeError("connect", `the group ${group} cannot be joined: ${messageOf(thrown)}`, {
      hint: "--interface ADDRESS says on which network",
      cause: thrown,
    });
  }
}

/** RFC 5771, 3; RFC 4291, 2.7. */
export function isMulticast(address: string): boolean {
  if (isIP(address) === 6) return /^ff/i.test(address);
  const first = Number(address.split(".")[0]);
  return isIP(address) === 4 && first >= 224 && first < 240;
}

function placeOf({ address, port }: DatagramPlace): { host: string; port: number } {
  return { host: address, port };
}
