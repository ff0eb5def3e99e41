/** Attachments in base64 (RFC 2045, 6.8) within a multipart body, as it comes: what has no name is passed over. */
import { parseHeader } from "../../../src/message/headers.js";
import { parseParameterized } from "../../../src/message/parameters.js";

export type AttachmentEvent =
  | { readonly type: "begin"; readonly name: string }
  | { readonly type: "data"; readonly octets: Buffer }
  | { readonly type: "end" };

/** Octets of a line that is looked at; base64 has 76 in one. */
const LONGEST_LINE = 4096;
/** Lines of a part's header. */
const MOST_FIELDS = 100;

export class AttachmentDecoder {
  /** A part's header, as far as it has come. */
  #header: string[] | undefined;
  #within = false;
  #line = "";
  /** Characters of base64 that are no whole group yet. */
  #rest = "";

  write(chunk: Buffer): readonly AttachmentEvent[] {
    const events: AttachmentEvent[] = [];
    const lines = (this.#line + chunk.toString("latin1")).split("\n");
    this.#line = (lines.pop() ?? "").slice(0, LONGEST_LINE);
    for (const line of lines) this.#take(line.endsWith("\r") ? line.slice(0, -1) : line, events);
    return events;
  }

  /** The body has ended. */
  end(): readonly AttachmentEvent[] {
    const events: AttachmentEvent[] = [];
    if (this.#line !== "") this.#take(this.#line, events);
    this.#line = "";
    this.#finish(events);
    return events;
  }

  #take(line: string, events: AttachmentEvent[]): void {
    if (line.startsWith("--")) {
      this.#finish(events);
      this.#header = [];
    } else if (this.#within) this.#decode(line, events);
    else if (this.#header !== undefined && line !== "") {
      if (this.#header.length < MOST_FIELDS) this.#header.push(line);
    } else if (this.#header !== undefined) {
      const name = attachmentName(this.#header);
      this.#header = undefined;
      if (name === undefined) return;
      this.#within = true;
      events.push({ type: "begin", name });
    }
  }

  #decode(line: string, events: AttachmentEvent[]): void {
    const characters = this.#rest + line.replace(/[^A-Za-z0-9+/]/g, "");
    const whole = characters.length - (characters.length % 4);
    this.#rest = characters.slice(whole);
    if (whole > 0) events.push({ type: "data", octets: Buffer.from(characters.slice(0, whole), "base64") });
  }

  #finish(events: AttachmentEvent[]): void {
    if (!this.#within) return;
    this.#within = false;
    const last = Buffer.from(this.#rest, "base64");
    this.#rest = "";
    if (last.length > 0) events.push({ type: "data", octets: last });
    events.push({ type: "end" });
  }
}

function attachmentName(lines: readonly string[]): string | undefined {
  const header = parseHeader(lines.join("\n"));
  if (header.raw("content-transfer-encoding")?.trim().toLowerCase() !== "base64") return undefined;
  const disposition = parseParameterized(header.raw("content-disposition"));
  const type = parseParameterized(header.raw("content-type"));
  const name = disposition.parameters.get("filename") ?? type.parameters.get("name");
  return name === undefined ? undefined : Buffer.from(name.octets, "latin1").toString("utf8");
}
