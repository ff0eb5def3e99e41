/** Which headers go out, when several have a say: Porthole's habit, what the request needs, what the user wrote. */
import type { Header } from "./engine.js";

/** Names in lower case. */
type Names = ReadonlySet<string>;

export interface HeaderSources {
  /** Porthole's own words, where nobody says otherwise. */
  readonly usual: readonly Header[];
  /** What this request has to say: its body's type, a login, a range. */
  readonly needed: readonly Header[];
  /** What the user wrote: instead of all the others. */
  readonly own: readonly Header[];
  /** What the user does not want to be sent. */
  readonly without?: Names;
}

/** The usual ones themselves where there are no others: what was made of them before holds again. */
export function mergedHeaders({ usual, needed, own, without }: HeaderSources): readonly Header[] {
  if (own.length === 0 && needed.length === 0 && without === undefined) return usual;
  const replaced = namesOf(own);
  const given = namesOf(needed);
  const wanted = ([name]: Header) =>
    !replaced.has(name.toLowerCase()) && without?.has(name.toLowerCase()) !== true;
  return [
    ...usual.filter((header) => wanted(header) && !given.has(header[0].toLowerCase())),
    ...needed.filter(wanted),
    ...own,
  ];
}

/**
 * Layers of what the user wrote, the last one nearest to the request: a name in a later layer replaces those before;
 * twice in one layer is twice. What is not wanted is taken out of all but the last.
 */
export function layered(layers: readonly (readonly Header[])[], without?: Names): Header[] {
  if (layers.every((layer) => layer.length === 0)) return [];
  return layers.flatMap((layer, at) => {
    const later = layers.slice(at + 1);
    const replaced = namesOf(later.flat());
    return layer.filter(([name]) => {
      const key = name.toLowerCase();
      return !replaced.has(key) && (later.length === 0 || without?.has(key) !== true);
    });
  });
}

/**
 * A Cookie that the user wrote goes out together with the cookies that are kept, as one header (RFC 6265, 5.4); one of the
 * same name counts before the kept one.
 */
export function withKeptCookies(own: readonly Header[], kept: string): readonly Header[] {
  const at = own.findIndex(([name]) => name.toLowerCase() === "cookie");
  const written = own[at];
  if (written === undefined) return own;
  const names = new Set(written[1].split(";").map(cookieName));
  const others = kept.split("; ").filter((cookie) => !names.has(cookieName(cookie)));
  const value = [...others, written[1]].filter((part) => part !== "").join("; ");
  return own.map((header, index) => (index === at ? [header[0], value] : header));
}

function cookieName(pair: string): string {
  return pair.split("=", 1)[0]?.trim() ?? "";
}

function namesOf(headers: readonly Header[]): Names {
  return new Set(headers.map(([name]) => name.toLowerCase()));
}
