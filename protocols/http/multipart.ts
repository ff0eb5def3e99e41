/** A multipart/form-data body (RFC 7578), streamed: files are never held. */
import { randomBytes } from "node:crypto";
import type { UploadSource } from "./upload.js";

export interface FormPart {
  readonly name: string;
  readonly filename?: string;
  readonly type?: string;
  /** Undefined when it is not known beforehand. */
  readonly size: number | undefined;
  /** The content, from its start each time. */
  readonly open: () => AsyncIterable<Uint8Array>;
}

export function textPart(name: string, text: string): FormPart {
  const octets = Buffer.from(text, "utf8");
  return { name, size: octets.length, open: () => only(octets) };
}

/** @param boundary stands between the parts; one that nobody can guess when absent */
export function multipart(
  parts: readonly FormPart[],
  boundary = `porthole-${randomBytes(18).toString("hex")}`,
): UploadSource & { readonly type: string } {
  const heads = parts.map((part) => Buffer.from(headOf(part, boundary), "utf8"));
  const end = Buffer.from(`--${boundary}--\r\n`);
  const sizes = parts.map(({ size }) => size);
  const known = sizes.every((size): size is number => size !== undefined);
  const size = known
    ? sizes.reduce((sum, one, at) => sum + one + (heads[at]?.length ?? 0) + 2, end.length)
    : undefined;
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    // A part without a size is a pipe, which gives what it has only once.
    ...(size === undefined ? {} : { size, repeatable: true }),
    body: {
      async *[Symbol.asyncIterator]() {
        for (const [at, part] of parts.entries()) {
          yield heads[at] ?? Buffer.alloc(0);
          yield* part.open();
          yield Buffer.from("\r\n");
        }
        yield end;
      },
    },
  };
}

function headOf({ name, filename, type }: FormPart, boundary: string): string {
  const file = filename === undefined ? "" : `; filename="${escaped(filename)}"`;
  const lines = [`--${boundary}`, `Content-Disposition: form-data; name="${escaped(name)}"${file}`];
  if (type !== undefined) lines.push(`Content-Type: ${type}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** As the HTML Standard, 4.10.21.8, has it: what browsers send, and servers understand. */
function escaped(text: string): string {
  return text.replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/"/g, "%22");
}

async function* only(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  yield octets;
}
