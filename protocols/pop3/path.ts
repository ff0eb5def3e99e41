/** What the path of a URL names: the maildrop, or a message by its number or its unique identifier. */
import { PortholeError } from "../../src/errors.js";
import { decodeOctets, encodeOctets } from "../../src/url.js";

export type MailPath =
  | { readonly what: "maildrop" }
  /** Numbers hold for one connection only (RFC 1939, 3). */
  | { readonly what: "number"; readonly number: number }
  /** RFC 1939, 7. One character for each octet. */
  | { readonly what: "uid"; readonly uid: string };

/** @throws PortholeError `usage` for what names nothing */
export function parsePath(path: string): MailPath {
  const name = decodeOctets(path).toString("latin1").replace(/^\//, "");
  if (name === "") return { what: "maildrop" };
  const uid = /^uid:(.+)$/is.exec(name)?.[1];
  if (uid !== undefined) return { what: "uid", uid };
  if (/^[1-9]\d{0,8}$/.test(name)) return { what: "number", number: Number(name) };
  throw new PortholeError("usage", `'${path}' names no message`, {
    hint: "write /3 for the third message, or /uid:XYZ as `ls` shows it",
  });
}

export function numberPath(number: number): string {
  return `/${number}`;
}

/** @param uid one character for each octet */
export function uidPath(uid: string): string {
  // As most are.
  if (/^[\w.-]+$/.test(uid)) return `/uid:${uid}`;
  return `/uid:${encodeOctets(Buffer.from(uid, "latin1"))}`;
}
