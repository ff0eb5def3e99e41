/** What the path of a URL names (RFC 5538): a server, some groups, a group, a range of it, an article. */
import { PortholeError } from "../../src/errors.js";
import { decodeOctets, encodeOctets, encodeSegment } from "../../src/url.js";

/** Article numbers, both ends within; `high` is absent for all from `low` on. */
export interface Range {
  readonly low: number;
  readonly high?: number;
}

export type NewsPath =
  | { readonly what: "server" }
  | { readonly what: "groups"; readonly wildmat: string }
  | { readonly what: "group"; readonly group: string }
  | { readonly what: "range"; readonly group: string; readonly range: Range }
  | { readonly what: "article"; readonly group: string; readonly number: number }
  | { readonly what: "message"; readonly id: string };

/** RFC 3977, 9.8: printable, without what a wildmat is made of. Servers' own names are read more generously. */
const GROUP = /^[^\s\x00-\x20\x7f!*,?[\\\]]+$/;
/** RFC 3977, 3.6. */
const MESSAGE_ID = /^<[^\s<>\x00-\x20\x7f]{1,248}>$/;
/** The greatest length of a group's name that fits into a command. */
const LONGEST_NAME = 490;

/** @throws PortholeError `usage` for what names nothing */
export function parsePath(path: string): NewsPath {
  const segments = path
    .replace(/^\//, "")
    .replace(/(?<=.)\/$/, "")
    .split("/")
    .map(textOf);
  const [first = "", second, ...more] = segments;
  if (more.length > 0) throw noPath(path);
  if (second === undefined) {
    if (first === "") return { what: "server" };
    if (first.startsWith("<") || first.includes("@")) return { what: "message", id: checkMessageId(first) };
    if (/[*?]/.test(first)) return { what: "groups", wildmat: checkWildmat(first) };
    return { what: "group", group: checkGroup(first) };
  }
  const group = checkGroup(first);
  const [, low, dash, high] = /^(\d{1,16})(?:(-)(\d{1,16})?)?$/.exec(second) ?? [];
  if (low !== undefined && dash === undefined) return { what: "article", group, number: Number(low) };
  if (low !== undefined) return { what: "range", group, range: rangeOf(low, high) };
  // An article of a group may be named by its Message-ID as well.
  if (second.includes("@")) return { what: "message", id: checkMessageId(second) };
  throw noPath(path);
}

/** `1200`, `1200-1300` or `1200-`, as typed. @throws PortholeError `usage` */
export function parseRange(text: string): Range {
  const [, low, dash, high] = /^(\d{1,16})(?:(-)(\d{1,16})?)?$/.exec(text) ?? [];
  if (low === undefined) {
    throw new PortholeError("usage", `'${text}' is not a range of articles`, {
      hint: "write 1200, 1200-1300 or 1200-",
    });
  }
  return dash === undefined ? { low: Number(low), high: Number(low) } : rangeOf(low, high);
}

function rangeOf(low: string, high: string | undefined): Range {
  return high === undefined ? { low: Number(low) } : { low: Number(low), high: Number(high) };
}

/** As commands have it: `12-34`, `12-`. */
export function formatRange({ low, high }: Range): string {
  return `${low}-${high ?? ""}`;
}

/** @throws PortholeError `usage` */
export function checkGroup(name: string): string {
  if (GROUP.test(name) && Buffer.byteLength(name) <= LONGEST_NAME) return name;
  throw new PortholeError("usage", `'${name}' is not the name of a group`, {
    hint: "it looks like comp.lang.c",
  });
}

/** With its angle brackets, which a URL may leave out. @throws PortholeError `usage` */
export function checkMessageId(text: string): string {
  const id = text.startsWith("<") ? text : `<${text}>`;
  // Old servers know some without an at-sign; nobody types one of these without brackets.
  if (MESSAGE_ID.test(id) && (text.startsWith("<") || id.includes("@"))) return id;
  throw new PortholeError("usage", `'${text}' is not a Message-ID`, {
    hint: "it looks like <words@example.org>",
  });
}

/** RFC 3977, 4.1. @throws PortholeError `usage` */
export function checkWildmat(text: string): string {
  if (/^[^\s\x00-\x20\x7f]+$/.test(text) && Buffer.byteLength(text) <= LONGEST_NAME) return text;
  throw new PortholeError("usage", `'${text}' is not a pattern of groups`, {
    hint: "it looks like comp.lang.*",
  });
}

export function groupPath(group: string): string {
  return `/${encodeSegment(group)}`;
}

export function articlePath(group: string, number: number): string {
  return `${groupPath(group)}/${number}`;
}

export function messagePath(id: string): string {
  return `/${encodeOctets(Buffer.from(id, "utf8"))}`;
}

function textOf(segment: string): string {
  return decodeOctets(segment).toString("utf8");
}

function noPath(path: string): PortholeError {
  return new PortholeError("usage", `'${path}' names neither a group nor an article`, {
    hint: "write /group, /group/1200, /group/1200-1300 or /<message-id>",
  });
}
