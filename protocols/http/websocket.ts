/** `porthole http ws URL`: a WebSocket (RFC 6455) by lines, over the platform's connection. */
import { once } from "node:events";
import type { RawData, WebSocket as Socket } from "ws";
import { abortReason, messageOf, PortholeError } from "../../src/errors.js";
import type { Invocation, Output } from "../../src/plugin.js";
import { authorityOf } from "./engine.js";
import { openFor } from "./opened.js";
import { statusFailure } from "./status.js";

/** Octets of one message. */
const LONGEST_MESSAGE = 64 * 1024 * 1024;
/** Messages that wait to be shown before the server is made to wait. */
const MOST_WAITING = 64;
const HANDSHAKE_MS = 30_000;
const USUAL_SETTLE_S = 1;
/** RFC 6455, 7.4.1: the purpose is fulfilled. */
const NORMAL = 1000;

type Message = { readonly data: Buffer; readonly binary: boolean };

export async function* websocketCommand(invocation: Invocation): AsyncGenerator<Output> {
  const [given, ...rest] = invocation.words;
  if (given === undefined)
    throw new PortholeError("usage", "which URL?", { hint: "http ws wss://HOST/PATH" });
  if (rest.length > 0)
    throw new PortholeError("usage", `'${rest[0]}' is too much`, { hint: "--send TEXT sends it" });
  const { options, signal } = invocation;
  const { requester, target } = await openFor(invocation, given.replace(/^ws(s?):/i, "http$1:"));
  const { connection, request } = await requester.upgrade({ method: "GET", path: target.path || "/" });
  const { WebSocket } = await import("ws");
  const headers = Object.fromEntries(
    request.headers.filter(([name]) => !/^(?:accept|accept-encoding)$/i.test(name)),
  );
  const socket = new WebSocket(
    `ws://${authorityOf(request.origin)}${request.path}`,
    protocolsOf(options["subprotocol"]),
    {
      // TLS is on already where it is wanted: to the package every connection is plain.
      createConnection: () => connection,
      headers: { Host: authorityOf(request.origin), ...headers },
      maxPayload: LONGEST_MESSAGE,
      handshakeTimeout: HANDSHAKE_MS,
      followRedirects: false,
    },
  );
  const talk = new Talk(socket, signal);
  try {
    await talk.opened(target.href(target.path));
    const sending = talk.send(messagesFrom(invocation), options["binary"] === true);
    // Its failure is told when all that came has been shown.
    sending.catch(() => undefined);
    sending.then(
      () => (options["listen"] === true ? undefined : talk.closeWhenSilent(settleMs(options["settle"]))),
      () => talk.leave(),
    );
    for await (const { data, binary } of talk.messages()) yield shown(data, binary, options["json"] === true);
    await sending;
    const { code, reason } = talk.closing;
    if (code !== NORMAL && code !== 1005) {
      throw new PortholeError(
        code === 1013 || code === 1012 ? "busy" : "refused",
        `the server closed with ${code}`,
        {
          ...(reason === "" ? {} : { reply: reason }),
        },
      );
    }
  } finally {
    talk.leave();
    connection.destroy();
  }
}

function shown(data: Buffer, binary: boolean, json: boolean): Output {
  const text = data.toString("utf8");
  if (json) {
    return {
      kind: "record",
      text,
      data: {
        event: "message",
        at: new Date().toISOString(),
        ...(binary ? { base64: data.toString("base64") } : { text }),
      },
    };
  }
  return { kind: "octets", octets: binary ? data : Buffer.from(`${text}\n`) };
}

class Talk {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  readonly #waiting: Message[] = [];
  #stir: () => void = () => undefined;
  #failure: Error | undefined;
  #closed: { readonly code: number; readonly reason: string } | undefined;
  #lastAt = performance.now();

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
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

  /** How the server, or this side, ended it. */
  get closing(): { readonly code: number; readonly reason: string } {
    return this.#closed ?? { code: NORMAL, reason: "" };
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
      if (this.#socket.readyState !== this.#socket.OPEN) return;
      await new Promise<void>((resolve, reject) => {
        this.#socket.send(binary ? message : Buffer.from(message).toString("utf8"), { binary }, (error) =>
          error ? reject(this.#worded(error)) : resolve(),
        );
      });
      this.#lastAt = performance.now();
    }
  }

  async closeWhenSilent(ms: number): Promise<void> {
    for (;;) {
      if (this.#closed !== undefined || this.#socket.readyState !== this.#socket.OPEN) return;
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

/** What `--send` says, then the lines of standard input unless something was said. */
async function* messagesFrom({ options, stdin }: Invocation): AsyncGenerator<Uint8Array> {
  const given = options["send"];
  const texts: readonly string[] = Array.isArray(given) ? given : [];
  for (const text of texts) yield Buffer.from(text, "utf8");
  if (texts.length > 0 || options["listen"] === true) return;
  let rest = Buffer.alloc(0);
  for await (const octets of stdin) {
    rest = Buffer.concat([rest, octets]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.subarray(0, rest[end - 1] === 13 ? end - 1 : end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > LONGEST_MESSAGE) {
      throw new PortholeError("usage", `a line is longer than the ${LONGEST_MESSAGE} octets of a message`);
    }
  }
  if (rest.length > 0) yield rest;
}

function protocolsOf(given: unknown): string[] {
  if (!Array.isArray(given)) return [];
  return given.map(String).map((name) => {
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return name;
    throw new PortholeError("usage", `'${name}' cannot be the name of a subprotocol`);
  });
}

function settleMs(given: unknown): number {
  return (typeof given === "number" ? given : USUAL_SETTLE_S) * 1000;
}
