/** A WebSocket (RFC 6455) over the platform's connection: messages out, messages in, and how it ended. */
import { once } from "node:events";
import type { RawData, WebSocket as Socket } from "ws";
import { abortReason, messageOf, PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { authorityOf } from "./engine.js";
import type { Requester } from "./requester.js";
import { statusFailure } from "./status.js";

/** Octets of one message. */
export const LONGEST_MESSAGE = 64 * 1024 * 1024;
/** Messages that wait to be shown before the server is made to wait. */
const MOST_WAITING = 64;
const HANDSHAKE_MS = 30_000;
/** RFC 6455, 7.4.1: the purpose is fulfilled; and no code was given. */
const NORMAL = 1000;
const NO_CODE = 1005;

export interface Message {
  readonly data: Buffer;
  readonly binary: boolean;
}

export interface TalkRequest {
  /** As in the URL. */
  readonly path: string;
  /** For messages. */
  readonly url: string;
  readonly subprotocols?: readonly string[];
  readonly signal: AbortSignal;
}

/** @throws PortholeError for a server that does not agree, and as dialing does */
export async function openTalk(requester: Requester, wanted: TalkRequest): Promise<Talk> {
  const { connection, request } = await requester.upgrade({ method: "GET", path: wanted.path || "/" });
  const { WebSocket } = await import("ws");
  const headers = Object.fromEntries(
    request.headers.filter(([name]) => !/^(?:accept|accept-encoding)$/i.test(name)),
  );
  const host = authorityOf(request.origin);
  const socket = new WebSocket(`ws://${host}${request.path}`, [...(wanted.subprotocols ?? [])], {
    // TLS is on already where it is wanted: to the package every connection is plain.
    createConnection: () => connection,
    headers: { Host: host, ...headers },
    maxPayload: LONGEST_MESSAGE,
    handshakeTimeout: HANDSHAKE_MS,
    followRedirects: false,
  });
  const talk = new Talk(socket, connection, wanted.signal);
  try {
    await talk.opened(wanted.url);
  } catch (thrown) {
    talk.leave();
    throw thrown;
  }
  return talk;
}

export class Talk {
  readonly #socket: Socket;
  readonly #connection: Connection;
  readonly #signal: AbortSignal;
  readonly #waiting: Message[] = [];
  #stir: () => void = () => undefined;
  #failure: Error | undefined;
  #closed: { readonly code: number; readonly reason: string } | undefined;
  #lastAt = performance.now();

  constructor(socket: Socket, connection: Connection, signal: AbortSignal) {
    this.#socket = socket;
    this.#connection = connection;
    this.#signal = signal;
    socket.on("message", (data: RawData, binary: boolean) => {
      this.#lastAt = performance.now();
      this.#waiting.push({ data: octetsOf(data), binary });
      if (this.#waiting.length >= MOST_WAITING) socket.pause();
      this.#stir();
    });
    socket.on("error", (error) => {
      this.#failure ??= error;
      this.#stir();
    });
    socket.on("close", (code, reason) => {
      this.#closed = { code, reason: reason.toString("utf8") };
      this.#stir();
    });
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => {
    this.#failure ??= abortReason(this.#signal);
    this.#socket.terminate();
    this.#stir();
  };

  /** The server's words when it closed for another reason than that all is said; undefined otherwise. */
  get refusal(): PortholeError | undefined {
    const { code, reason } = this.#closed ?? { code: NORMAL, reason: "" };
    if (code === NORMAL || code === NO_CODE) return undefined;
    // RFC 6455, 11.7: 1012 restarts, 1013 try again later.
    const later = code === 1012 || code === 1013;
    return new PortholeError(later ? "busy" : "refused", `the server closed with ${code}`, {
      ...(reason === "" ? {} : { reply: reason }),
    });
  }

  /** The one that the server chose, or nothing. */
  get subprotocol(): string {
    return this.#socket.protocol;
  }

  /** @throws PortholeError for a server that does not agree */
  async opened(url: string): Promise<void> {
    if (this.#socket.readyState === this.#socket.OPEN) return;
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("open", resolve);
      this.#socket.once("error", (error) => reject(this.#worded(error)));
      this.#socket.once("unexpected-response", (_request, { statusCode = 0, statusMessage = "" }) => {
        reject(
          statusCode >= 400
            ? statusFailure({ status: statusCode, reason: statusMessage, url, loggedIn: false })
            : new PortholeError("refused", "the server does not speak WebSocket there", {
                reply: `${statusCode} ${statusMessage}`.trim(),
                url,
              }),
        );
      });
      if (this.#signal.aborted) reject(abortReason(this.#signal));
    });
  }

  async send(messages: AsyncIterable<Uint8Array>, binary: boolean): Promise<void> {
    for await (const message of messages) {
      if (!this.#isOpen) return;
      await this.say(message, binary);
    }
  }

  /** @returns when the connection has taken it @throws PortholeError */
  async say(message: Uint8Array, binary: boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.send(binary ? message : Buffer.from(message).toString("utf8"), { binary }, (error) =>
        error ? reject(this.#worded(error)) : resolve(),
      );
    });
    this.#lastAt = performance.now();
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  async closeWhenSilent(ms: number): Promise<void> {
    for (;;) {
      if (this.#closed !== undefined || !this.#isOpen) return;
      const rest = this.#lastAt + ms - performance.now();
      if (rest <= 0) break;
      await Promise.race([
        new Promise((resolve) => setTimeout(resolve, rest).unref()),
        once(this.#socket, "close"),
      ]);
    }
    this.#socket.close(NORMAL);
  }

  /** Until it is closed. @throws PortholeError when it breaks */
  async *messages(): AsyncGenerator<Message> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        if (this.#waiting.length === 0 && this.#socket.isPaused) this.#socket.resume();
        yield next;
        continue;
      }
      if (this.#failure !== undefined) throw this.#worded(this.#failure);
      if (this.#closed !== undefined) {
        // RFC 6455, 7.1.5: without a Close frame the connection broke.
        if (this.#closed.code === 1006) {
          throw new PortholeError("protocol", "the connection ended without the closing of a WebSocket");
        }
        return;
      }
      await new Promise<void>((resolve) => {
        this.#stir = resolve;
      });
    }
  }

  leave(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#socket.terminate();
    this.#connection.destroy();
  }

  #worded(error: Error): PortholeError {
    if (this.#signal.aborted) return abortReason(this.#signal);
    if (error instanceof PortholeError) return error;
    const cause = error.cause instanceof PortholeError ? error.cause : undefined;
    return (
      cause ?? new PortholeError("protocol", `the WebSocket failed: ${messageOf(error)}`, { cause: error })
    );
  }
}

function octetsOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
