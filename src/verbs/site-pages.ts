/** What is rewritten of a site: pages and style sheets, whose links lead to the mirror's own files afterwards. */
import { PortholeError } from "../errors.js";
import type { Document, Hypertext } from "../plugin.js";
import { refuseOversize } from "./oversize.js";
import type { Item, SiteFrontier } from "./site-frontier.js";
import { relativeAddress, type SitePlaces } from "./site-places.js";

/** Octets of a page that is read whole for its links; a larger one is kept as it is. */
const LONGEST_TEXT = 8 * 1024 * 1024;

/** Whether a document may lead to others, and is short enough to be looked through. */
export function isReadWhole({ type, total }: Document): boolean {
  return /^text\/|xhtml|menu$/.test(type) && (total ?? 0) <= LONGEST_TEXT;
}

/** @throws Oversize past `maxSize`; PortholeError `protocol` for one that ends early, or turns out too long */
export async function wholeOf(document: Document, maxSize?: number): Promise<Uint8Array> {
  const { total, body } = document;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    if (!(piece instanceof Uint8Array))
      throw new TypeError("a document's body holds something that is no octets");
    size += piece.length;
    refuseOversize(size, maxSize, document);
    if (size > LONGEST_TEXT) {
      throw new PortholeError("protocol", `a page of more than ${LONGEST_TEXT} octets`, {
        url: document.entry.url,
      });
    }
    pieces.push(piece);
  }
  if (total !== undefined && size !== total) {
    throw new PortholeError("protocol", `the transfer ended early: ${size} of ${total} octets`);
  }
  return Buffer.concat(pieces);
}

/** A page for reading offline: its links lead within the mirror where that has what they name. */
export function localised(
  hypertext: Hypertext,
  item: Item,
  file: string,
  { frontier, places }: { readonly frontier: SiteFrontier; readonly places: SitePlaces },
): Uint8Array {
  return hypertext.rewritten((url, role) =>
    frontier.isKept({ url, role }, item) ? relativeAddress(file, places.placeOf(url, role)) : undefined,
  );
}
