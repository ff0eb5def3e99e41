/** A request on its way out: its head, and its body with back-pressure and the server's consent (RFC 9110, 10.1.1). */
import { PortholeError } from "../../../src/errors.js";
import type { Connection } from "../../../src/net/connection.js";
import type { HttpRequest, Origin, RequestBody } from "../engine.js";
import { headerLines, headersAsSent, requestHead } from "../head-text.js";

/** How long a server may take to agree before the body goes out all the same (milliseconds). */
const CONSENT_MS = 1000;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

export class DirectRequest {
  readonly #head: Buffer;
  readonly #body: RequestBody | undefined;
  #connection: Connection | undefined;
  #refused = false;
  #sent: boolean;
  #failure: Error | undefined;
  #stir: () => void = () => undefined;
  #consent: () => void = () => undefined;

  /** @throws PortholeError `usage` for what cannot be sent */
  constructor(request: HttpRequest) {
    this.#head = headOf(request);
    this.#body = request.body;
    this.#sent = request.body === undefined;
  }

  /** All of it has been handed to the connection. */
  get sent(): boolean {
    return this.#sent;
  }

  /** What the body's source failed with: the reason why the connection broke. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  begin(connection: Connection): void {
    this.#connection = connection;
    connection.write(this.#head);
    if (this.#body === undefined) return;
    this.#sendBody(connection, this.#body).catch((thrown: unknown) => {
      this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown));
      connection.destroy(this.#failure);
    });
  }

  /** The server wants the body. */
  agreed(): void {
    this.#consent();
  }

  /** The final answer is there: what a refusal leaves unsent stays unsent (RFC 9112, 9.3.2). */
  answered(status: number): void {
    this.#refused = status >= 300;
    this.#consent();
    this.#stir();
  }

  async #sendBody(connection: Connection, body: RequestBody): Promise<void> {
    const stir = () => this.#stir();
    connection.on("drain", stir).on("close", stir);
    try {
      if (body.awaitsConsent) await this.#consented(connection);
      if (this.#isOver) return;
      for await (const octets of body.octets) {
        if (this.#isOver) return;
        if (octets.length > 0 && !write(connection, octets, body.size === undefined))
          await this.#drained(connection);
      }
      if (this.#isOver) return;
      if (body.size === undefined) connection.write("0\r\n\r\n");
      this.#sent = true;
    } finally {
      connection.off("drain", stir).off("close", stir);
    }
  }

  get #isOver(): boolean {
    return this.#refused || this.#connection?.destroyed === true;
  }

  async #drained(connection: Connection): Promise<void> {
    while (connection.writableNeedDrain && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#stir = resolve;
      });
    }
  }

  /** The server's consent, its final answer, the end of the connection, or of patience. */
  async #consented(connection: Connection): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CONSENT_MS);
      const settle = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#consent = settle;
      connection.once("close", settle);
    });
  }
}

function write(connection: Connection, octets: Uint8Array, inChunk: boolean): boolean {
  if (!inChunk) return connection.write(octets);
  connection.cork();
  connection.write(`${octets.length.toString(16)}\r\n`);
  connection.write(octets);
  const more = connection.write("\r\n");
  connection.uncork();
  return more;
}

function headOf(request: HttpRequest): Buffer {
  const { method, path } = request;
  if (!TOKEN.test(method)) throw unsendable(`'${method}' is no method`);
  if (!/^[\x21-\x7e\x80-\xff]+$/.test(path)) throw unsendable("a path with blanks or control characters");
  return Buffer.from(requestHead(request, linesOf(request)), "latin1");
}

/** The headers that were last sent to a place: hundreds of documents are asked for by the same. */
const lately = new WeakMap<Origin, Pick<HttpRequest, "method" | "headers"> & { readonly lines: string }>();

function linesOf(request: HttpRequest): string {
  const { method, origin, headers, body } = request;
  const last = body === undefined ? lately.get(origin) : undefined;
  if (last?.headers === headers && last.method === method) return last.lines;
  const sent = headersAsSent(request);
  for (const [name, value] of sent) {
    if (!TOKEN.test(name)) throw unsendable(`'${name}' is no header's name`);
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw unsendable(`the header ${name} has characters that none may have`);
  }
  const lines = headerLines(sent);
  if (body === undefined) lately.set(origin, { method, headers, lines });
  return lines;
}

function unsendable(words: string): PortholeError {
  return new PortholeError("usage", `this cannot be sent in HTTP: ${words}`);
}
