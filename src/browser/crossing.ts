/** What a link may lead to, and what is said before it does: nothing opens behind a person's back. */
import type { Manifest, Scheme, Target } from "../plugin.js";

export interface Crossing {
  readonly allowed: boolean;
  /** Asked before it opens, or why it does not; absent: it opens at once. */
  readonly words?: string;
}

export interface SchemeRows {
  forScheme(scheme: string): { readonly scheme: Scheme; readonly manifest: Manifest } | undefined;
}

/**
 * @param from the page that the link stands in; undefined for the browser's own pages, whose links the person chose
 */
export function crossing(from: Target | undefined, to: Target, rows: SchemeRows): Crossing {
  if (from === undefined) return { allowed: true };
  const place = to.href(to.path);
  if (isHere(to, rows) && !isHere(from, rows)) {
    return { allowed: false, words: `a page from outside may not lead into this machine: ${place}` };
  }
  const title = rows.forScheme(to.url.scheme)?.manifest.title ?? to.protocol;
  if (from.protocol !== to.protocol)
    return { allowed: true, words: `This leads to ${title}: ${place} - open?` };
  if (from.tls === "always" && to.tls !== "always") {
    return { allowed: true, words: `This leads out of TLS, in clear: ${place} - open?` };
  }
  return { allowed: true };
}

/** A place on this machine: files, mailboxes, the sockets of other programs. */
function isHere({ url }: Target, rows: SchemeRows): boolean {
  return (rows.forScheme(url.scheme)?.scheme.address ?? "host") !== "host";
}

/** What is said of an address that nothing here can open. */
export function refusedAddress(url: string, why: string): string {
  return `${why} - the address, to copy: ${url}`;
}
