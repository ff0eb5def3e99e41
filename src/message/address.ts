/**
 * Mail addresses: RFC 5321, 4.1.2 and RFC 6531 as far as one mailbox goes, written by a person or found in a header.
 *
 * Packages that read addresses are generous: one of them sent a mail for `d@e.f\r\nBcc: x@y.z` to x@y.z. So
 * addresses are read here, strictly, before any package sees them.
 */
import { domainToASCII } from "node:url";
import { PortholeError } from "../errors.js";

/** Somebody's name, perhaps empty, and address. */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

/** RFC 5321, 4.5.3.1.3 bounds a path to 256; longer ones are seen. */
const MAX_ADDRESS = 1000;
// Dots may stand anywhere: some providers gave out `a..b@` and `a.@`. A C1 control or a blank of any kind may not.
const LOCAL = /^(?:[^\s\x00-\x20\x7f-\x9f"(),:;<>@[\\\]]+|"(?:[^"\\\x00-\x1f\x7f-\x9f]|\\[\x20-\x7e])*")$/;
const DOMAIN = /^[^\s\x00-\x20\x7f-\x9f"(),:;<>@[\\\]]+$/;
const DOMAIN_LITERAL = /^\[[\x21-\x5a\x5e-\x7e]+\]$/;
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/;

/**
 * An address alone, as a command may carry it. A name without a domain (`root`) is one that the server knows.
 * @param what it is, for the message: `the sender`
 * @returns the address, its domain in ASCII
 * @throws PortholeError `usage` for anything else, and for all that could begin a second address or command
 */
export function checkAddress(address: string, what: string): string {
  const at = address.endsWith("]") ? address.lastIndexOf("@[") : address.lastIndexOf("@");
  const local = at < 0 ? address : address.slice(0, at);
  const domain = at < 0 ? undefined : address.slice(at + 1);
  if (address.length > MAX_ADDRESS || !LOCAL.test(local)) throw notAnAddress(address, what);
  if (domain === undefined) return local;
  if (DOMAIN_LITERAL.test(domain)) return `${local}@${domain}`;
  if (!DOMAIN.test(domain)) throw notAnAddress(address, what);
  const ascii = /^[\x00-\x7f]*$/.test(domain) ? domain : domainToASCII(domain);
  if (ascii === "") throw notAnAddress(address, what);
  return `${local}@${ascii}`;
}

/**
 * One mailbox as a person writes it: `a@b`, `<a@b>`, `Ann <a@b>`, `"Bee, Ann" <a@b>`.
 * @throws PortholeError `usage` for lists, groups and whatever else is not one mailbox
 */
export function parseMailbox(text: string, what: string): Mailbox {
  if (CONTROLS.test(text))
    throw notAnAddress(text, what, "it holds a line break or another control character");
  const [, written, inner] = /^(.*?)<([^<>]*)>\s*$/s.exec(text) ?? [];
  if (written === undefined || inner === undefined) {
    return { name: "", address: checkAddress(text.trim(), what) };
  }
  return { name: nameOf(written.trim(), text, what), address: checkAddress(inner.trim(), what) };
}

/**
 * The addresses in an address field of a ready message (RFC 5322, 3.4): names and comments are passed over, groups
 * are opened.
 * @throws PortholeError `usage` when one cannot be read
 */
export function addressesIn(field: string, what: string): string[] {
  const found: string[] = [];
  let plain = "";
  let angle: string | undefined;
  const flush = () => {
    const address = (angle ?? plain.trim()).replace(/^@[^:]*:/, "");
    if (address !== "") found.push(checkAddress(address, what));
    plain = "";
    angle = undefined;
  };
  for (const [token] of withoutComments(field).matchAll(
    /"(?:[^"\\]|\\.)*"|<[^>]*>|\[[^\]]*\]|[,;:]|[^"<[,;:]+|./gs,
  )) {
    if (token === "," || token === ";") flush();
    else if (token === ":") plain = "";
    else if (token.startsWith("<") && token.endsWith(">")) angle = token.slice(1, -1).trim();
    else plain += token;
  }
  flush();
  return found;
}

/** Words as they are, or one quoted string with its quotes undone. */
function nameOf(written: string, text: string, what: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(written)?.[1];
  if (quoted !== undefined) return quoted.replace(/\\(.)/gs, "$1");
  if (/[",:;<>@\\]/.test(written))
    throw notAnAddress(text, what, "a name with any of , : ; @ stands in double quotes");
  return written;
}

/** RFC 5322, 3.2.2: comments stand in parentheses and nest. */
function withoutComments(field: string): string {
  let depth = 0;
  let text = "";
  for (const [token] of field.matchAll(/"(?:[^"\\]|\\.)*"|\\.|[()]|[^"\\()]+|./gs)) {
    if (token === "(") depth += 1;
    else if (token === ")" && depth > 0) depth -= 1;
    else if (depth === 0) text += token;
  }
  return text;
}

function notAnAddress(text: string, what: string, why?: string): PortholeError {
  const shown = text.length > 100 ? `${text.slice(0, 100)}...` : text;
  return new PortholeError(
    "usage",
    `${what} '${shown}' is not one mail address${why === undefined ? "" : `: ${why}`}`,
    {
      hint: "write name@example.org, or Name <name@example.org>; for more than one, say it once for each",
    },
  );
}
