/** A message's flags as IMAP names them (RFC 9051, 2.3.2), Maildir writes them in names, and mbox in header fields. */
import type { Header } from "../../src/message/headers.js";

const MAILDIR: Readonly<Record<string, string>> = {
  D: "\\Draft",
  F: "\\Flagged",
  P: "$Forwarded",
  R: "\\Answered",
  S: "\\Seen",
  T: "\\Deleted",
};

/** Letters that have no name here (Dovecot's keywords) are left out. */
export function flagsOfLetters(letters: string): string[] {
  return Array.from(letters).flatMap((letter) => {
    const flag = Object.hasOwn(MAILDIR, letter) ? MAILDIR[letter] : undefined;
    return flag === undefined ? [] : [flag];
  });
}

/** In ASCII order, as Maildir wants them; flags that it does not know are left out. */
export function lettersOfFlags(flags: readonly string[]): string {
  const wanted = new Set(flags.map((flag) => flag.toLowerCase()));
  return Object.entries(MAILDIR)
    .filter(([, flag]) => wanted.has(flag.toLowerCase()))
    .map(([letter]) => letter)
    .join("");
}

/** What mutt, Dovecot and others write: `Status: RO`, `X-Status: AF`. */
export function flagsOfStatus(header: Header): string[] {
  const letters = `${header.raw("status") ?? ""}${header.raw("x-status") ?? ""}`;
  const known: Readonly<Record<string, string>> = { R: "\\Seen", A: "\\Answered", F: "\\Flagged" };
  return Object.entries({ ...known, T: "\\Draft", D: "\\Deleted" })
    .filter(([letter]) => letters.includes(letter))
    .map(([, flag]) => flag);
}
