/** The path of a gopher URL (RFC 4266, 2.1), read and written octet for octet, and the request it stands for. */
import { PortholeError } from "../../src/errors.js";
import { decodeOctets, encodeOctets } from "../../src/url.js";

/** What is asked of a server. Selectors and words are octets: the protocol names no character set for them. */
export interface GopherPath {
  /** The item type, one character. Not sent: it tells the client what to expect. */
  readonly type: string;
  readonly selector: Buffer;
  /** The words for a search; undefined when there was no tab for them, empty when nothing followed it. */
  readonly search: Buffer | undefined;
  /** The Gopher+ string, as `+` or `+text/plain%20En_US`. */
  readonly plus: Buffer | undefined;
}

/** RFC 1436, appendix, wants no more than 255. Servers with programs behind their selectors take and give longer ones. */
export const LONGEST_SELECTOR = 4096;

const TAB = 0x09;
const TAB_OCTET = Buffer.of(TAB);
const CRLF = Buffer.from("\r\n");

/**
 * @param path as in the URL: `/0/about.txt`, `/7/find%09fog`; `/` and nothing at all mean the first menu
 * @throws PortholeError `usage` for CR, LF or NUL in any form, a tab that is not `%09`, or a third `%09`
 */
export function parsePath(path: string): GopherPath {
  if (path.includes("\t")) {
    throw new PortholeError("usage", "the URL holds a tab", { hint: "write a search as SELECTOR%09WORDS" });
  }
  const [typed = Buffer.alloc(0), search, plus, ...rest] = splitAtTabs(decodeOctets(path.replace(/^\//, "")));
  if (rest.length > 0) {
    throw new PortholeError(
      "usage",
      "the URL holds a third %09, as Gopher+ forms have it; they cannot be sent",
    );
  }
  if (typed.length === 0 && search !== undefined) {
    throw new PortholeError("usage", "the URL has a search and no item type before it", {
      hint: "write it as /7SELECTOR%09WORDS",
    });
  }
  return {
    type: typed.length === 0 ? "1" : typed.toString("latin1", 0, 1),
    selector: typed.subarray(1),
    search,
    plus,
  };
}

/** The path that `parsePath` takes apart into the same. */
export function formatPath({ type, selector, search, plus }: GopherPath): string {
  if (type === "1" && selector.length === 0 && search === undefined && plus === undefined) return "/";
  const octets = [Buffer.from(type, "latin1"), selector];
  // RFC 4266, 2.3: the first %09 is there for a Gopher+ string even when there are no words.
  if (search !== undefined || plus !== undefined) octets.push(TAB_OCTET, search ?? Buffer.alloc(0));
  if (plus !== undefined) octets.push(TAB_OCTET, plus);
  return `/${encodeOctets(Buffer.concat(octets), "/")}`;
}

/**
 * What goes to the server: the selector, then words and Gopher+ string behind a tab each (RFC 4266, 2.2 and 2.3).
 * @throws PortholeError `usage` when one of the three is longer than LONGEST_SELECTOR, or holds a tab
 */
export function requestOf({ selector, search, plus }: GopherPath): Buffer {
  const fields = plus === undefined ? [selector, search] : [selector, search ?? Buffer.alloc(0), plus];
  const octets: Buffer[] = [];
  for (const field of fields) {
    if (field === undefined) continue;
    if (field.length > LONGEST_SELECTOR) {
      throw new PortholeError(
        "usage",
        `${field.length} octets of selector or words; ${LONGEST_SELECTOR} are the most that is sent`,
      );
    }
    if (field.includes(TAB)) throw new PortholeError("usage", "words to search for cannot hold a tab");
    octets.push(...(octets.length === 0 ? [] : [TAB_OCTET]), field);
  }
  return Buffer.concat([...octets, CRLF]);
}

/** Views of what stands between tabs; one when there is no tab. */
export function splitAtTabs(octets: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  let from = 0;
  for (let tab = octets.indexOf(TAB); tab >= 0; tab = octets.indexOf(TAB, from)) {
    fields.push(octets.subarray(from, tab));
    from = tab + 1;
  }
  fields.push(octets.subarray(from));
  return fields;
}
