/** data: URLs (RFC 2397), which hold what they name: nothing is connected to. */
import { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { Document, Entry, ReadQuery, Session, Target } from "../../src/plugin.js";
import { parseMediaType } from "./media-type.js";

/** What stands for a type that is not given. */
const USUAL_TYPE = "text/plain;charset=US-ASCII";
const EXTENSIONS: Readonly<Record<string, string>> = {
  "text/plain": "txt",
  "text/html": "html",
  "application/json": "json",
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/svg+xml": "svg",
};

export interface DataUrl {
  /** As in a Content-Type. */
  readonly type: string;
  readonly octets: Buffer;
}

/** @param path what follows `data:` @throws PortholeError `usage` */
export function parseDataUrl(path: string): DataUrl {
  const comma = path.indexOf(",");
  if (comma < 0) throw improper("it has no comma before its content");
  const head = path.slice(0, comma);
  const octets = unescaped(path.slice(comma + 1));
  const base64 = /;\s*base64\s*$/i.test(head);
  const given = unescaped(head.replace(/;\s*base64\s*$/i, "")).toString("utf8");
  const type = given.startsWith(";") ? `text/plain${given}` : given || USUAL_TYPE;
  if (!base64) return { type, octets };
  const text = octets.toString("latin1").replace(/[\t\n\f\r ]/g, "");
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw improper("its content is not base64");
  return { type, octets: Buffer.from(text, "base64") };
}

export function dataSession(target: Target): Session {
  const { type: contentType, octets } = parseDataUrl(target.path);
  const media = parseMediaType(contentType);
  const entry: Entry = {
    url: target.href(target.path),
    name: `data.${EXTENSIONS[media.type] ?? "bin"}`,
    kind: "page",
    size: octets.length,
    type: media.type,
    meta: {},
  };
  return {
    kindOf: () => "page",
    stat: async () => entry,
    read: async (_path: string, { offset = 0, length }: ReadQuery = {}): Promise<Document> => {
      const part = octets.subarray(offset, length === undefined ? undefined : offset + length);
      return {
        entry,
        ...media,
        offset: Math.min(offset, octets.length),
        total: octets.length,
        filename: entry.name,
        body: Readable.from(part.length === 0 ? [] : [part], { objectMode: false }),
      };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** A percent sign that begins no octet stands for itself, as in browsers. */
function unescaped(text: string): Buffer {
  const octets = Buffer.from(text, "utf8").toString("latin1");
  return Buffer.from(
    octets.replace(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    "latin1",
  );
}

function improper(why: string): PortholeError {
  return new PortholeError("usage", `this is no data: URL: ${why}`, {
    hint: "write data:TYPE,TEXT or data:TYPE;base64,OCTETS",
  });
}
