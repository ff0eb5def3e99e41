/** Server-sent events (HTML Standard, 9.2): octets in, events out. */
import { PortholeError } from "../../src/errors.js";

export interface ServerEvent {
  /** `message` when the server names none. */
  readonly type: string;
  readonly data: string;
  /** The last one that the server gave; empty for none. */
  readonly id: string;
}

/** Characters of one event, its lines together. */
const LONGEST_EVENT = 16 * 1024 * 1024;

export class EventStream {
  readonly #decoder = new TextDecoder("utf-8");
  #line = "";
  /** The last character was CR: an LF that follows belongs to it. */
  #afterCr = false;
  #type = "";
  #data: string[] = [];
  #size = 0;
  #lastId = "";
  #retryMs: number | undefined;

  /** @param lastId what an earlier connection ended with */
  constructor(lastId = "") {
    this.#lastId = lastId;
  }

  /** To be sent as Last-Event-ID on a new connection. */
  get lastId(): string {
    return this.#lastId;
  }

  /** How long the server wants a client to wait before it comes again, in milliseconds. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  /** @throws PortholeError `protocol` for an event that is too long */
  *write(octets: Uint8Array): Generator<ServerEvent> {
    for (const char of this.#decoder.decode(octets, { stream: true }).split(/(\r\n|\r|\n)/)) {
      if (char === "\r\n" || char === "\r" || char === "\n") {
        if (char === "\n" && this.#afterCr) {
          this.#afterCr = false;
          continue;
        }
        this.#afterCr = char === "\r";
        const line = this.#line;
        this.#line = "";
        yield* this.#take(line);
        continue;
      }
      if (char === "") continue;
      this.#afterCr = false;
      this.#line += char;
      if (this.#line.length + this.#size > LONGEST_EVENT) {
        throw new PortholeError("protocol", `an event is longer than ${LONGEST_EVENT} characters`);
      }
    }
  }

  *#take(line: string): Generator<ServerEvent> {
    if (line === "") {
      const event = { type: this.#type || "message", data: this.#data.join("\n"), id: this.#lastId };
      const isThere = this.#data.length > 0;
      this.#type = "";
      this.#data = [];
      this.#size = 0;
      if (isThere) yield event;
      return;
    }
    const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    this.#size += line.length;
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "id" && !value.includes("\0")) this.#lastId = value;
    else if (field === "retry" && /^\d{1,9}$/.test(value)) this.#retryMs = Number(value);
  }
}
