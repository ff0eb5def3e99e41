/** Octets to text in any charset that Node or iconv-lite knows. */
import { TextDecoder } from "node:util";

/** Decodes a stream: give it the octets piece by piece, then end it. */
export interface Decoding {
  /** What is decoded, as it was found: `utf-8`, `windows-1252`, `cp437`. */
  readonly charset: string;
  write(octets: Uint8Array): string;
  end(): string;
}

/**
 * The decoding for a charset by any of its usual names. ISO 8859-1 is octet-exact (TextDecoder would read
 * windows-1252). Undefined or unknown: UTF-8 when the first octets are, else ISO 8859-1.
 */
export async function decoderFor(charset: string | undefined): Promise<Decoding> {
  const name = charset?.trim().toLowerCase();
  if (name === undefined || name === "") return new Guessed();
  return (await named(name)) ?? new Guessed();
}

async function named(name: string): Promise<Decoding | undefined> {
  if (/^(?:latin-?1|iso[-_]8859-1|binary)$/.test(name)) return new Latin1();
  return nodeDecoding(name) ?? (await iconvDecoding(name));
}

/** Whether a decoding bears the name. */
export async function isCharset(name: string): Promise<boolean> {
  return (await named(name.trim().toLowerCase())) !== undefined;
}

/** A body's octets as text. */
export async function* decodeBody(
  body: AsyncIterable<Uint8Array>,
  charset: string | undefined,
): AsyncGenerator<string, void, undefined> {
  const decoding = await decoderFor(charset);
  for await (const chunk of body) {
    const text = decoding.write(chunk);
    if (text !== "") yield text;
  }
  const rest = decoding.end();
  if (rest !== "") yield rest;
}

/**
 * The charset of an HTML or XML page (HTML Standard, 13.2.3.2): byte order mark, then the header's word, then
 * a declaration in the first 1024 octets. Undefined when nothing says.
 */
export function sniffCharset(head: Uint8Array, contentTypeCharset?: string): string | undefined {
  const [first, second, third] = head;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  const declared =
    contentTypeCharset?.trim() || declaredIn(Buffer.from(head.subarray(0, 1024)).toString("latin1"));
  if (declared === undefined) return undefined;
  const name = declared.toLowerCase();
  // On the web, these names have come to mean windows-1252 (Encoding Standard, 4.2).
  return /^(?:latin-?1|iso[-_]8859-1|us-ascii|ascii)$/.test(name) ? "windows-1252" : name;
}

function declaredIn(head: string): string | undefined {
  const declared =
    /<meta[^>]{0,400}?charset\s*=\s*["']?\s*([\w.:-]{2,40})/i.exec(head)?.[1] ??
    /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})/i.exec(head)?.[1];
  // A declaration that could be read as ASCII is not UTF-16, whatever it says.
  return declared !== undefined && /^utf-16/i.test(declared) ? "utf-8" : declared;
}

function nodeDecoding(name: string): Decoding | undefined {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(name);
  } catch {
    return undefined;
  }
  return {
    charset: decoder.encoding,
    write: (octets) => decoder.decode(octets, { stream: true }),
    end: () => decoder.decode(),
  };
}

async function iconvDecoding(name: string): Promise<Decoding | undefined> {
  const { default: iconv } = await import("iconv-lite");
  // Its names for Node's own codings (hex, base64) are no charsets.
  if (/^(?:hex|base64)$/.test(name) || !iconv.encodingExists(name)) return undefined;
  const decoder = iconv.getDecoder(name);
  return {
    charset: name,
    write: (octets) => decoder.write(Buffer.from(octets)),
    end: () => decoder.end() ?? "",
  };
}

class Latin1 implements Decoding {
  readonly charset = "iso-8859-1";

  write(octets: Uint8Array): string {
    return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
  }

  end(): string {
    return "";
  }
}

/** Decides by the first octets that are not ASCII. */
class Guessed implements Decoding {
  #decided: Decoding | undefined;
  readonly #ascii = new Latin1();
  #held: Buffer = Buffer.alloc(0);

  get charset(): string {
    return this.#decided?.charset ?? "utf-8";
  }

  write(octets: Uint8Array): string {
    if (this.#decided !== undefined) return this.#decided.write(octets);
    const all = Buffer.concat([this.#held, octets]);
    const start = all.findIndex((octet) => octet >= 0x80);
    if (start < 0) return this.#ascii.write(all);
    // The longest sequence of UTF-8 has four octets: with fewer nothing is sure.
    if (all.length - start < 4) {
      this.#held = all.subarray(start);
      return this.#ascii.write(all.subarray(0, start));
    }
    return this.#decide(all).write(all);
  }

  end(): string {
    if (this.#decided === undefined && this.#held.length > 0) {
      return this.#decide(this.#held).write(this.#held) + (this.#decided ?? this.#ascii).end();
    }
    return this.#decided?.end() ?? "";
  }

  #decide(octets: Buffer): Decoding {
    const utf8 = nodeDecoding("utf-8");
    this.#decided = utf8 !== undefined && startsAsUtf8(octets) ? utf8 : this.#ascii;
    return this.#decided;
  }
}

/** True when the octets are UTF-8 as far as they go. */
function startsAsUtf8(octets: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(octets, { stream: true });
    return true;
  } catch {
    return false;
  }
}
