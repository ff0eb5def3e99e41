/** Names of messages in a Maildir: what stays, and the flags that follow (https://cr.yp.to/proto/maildir.html). */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

/** One character for each octet. */
export interface MaildirName {
  /** What stays the same when flags change and when it moves from new to cur. */
  readonly unique: string;
  /** `S`, `RS`; undefined when the name has no flags yet. */
  readonly letters: string | undefined;
}

// Where file systems have no colon, `!` or `;` stand for it.
const INFO = /^(.*)[:!;]2,([A-Za-z]*)$/s;

export function parseName(file: string): MaildirName {
  const [, unique, letters] = INFO.exec(file) ?? [];
  if (unique !== undefined) return { unique, letters };
  const colon = file.indexOf(":");
  return { unique: colon < 0 ? file : file.slice(0, colon), letters: undefined };
}

let counter = 0;
/** Of this process: two that begin in the same microsecond count from the same number. */
const CHANCE = randomBytes(6).toString("hex");
const HOST =
  hostname()
    .replaceAll("/", "\\057")
    .replaceAll(":", "\\072")
    .replace(/[^\x21-\x7e]|[,;!]/g, "_") || "localhost";

/** The time of day when `performance.now()` was 0, milliseconds. */
const ORIGIN = Date.now() - performance.now();

/** A name that no other message ever has, and that sorts by when it was given: time, count, chance and host. */
export function newUnique(): string {
  counter += 1;
  const micros = Math.floor((ORIGIN + performance.now()) * 1000);
  const second = Math.floor(micros / 1e6);
  return `${second}.M${String(micros % 1e6).padStart(6, "0")}Q${counter}R${CHANCE}.${HOST}`;
}

/** Dovecot and Courier keep the size in the name, so that nobody need ask for it. */
export function sizeIn(unique: string): number | undefined {
  const size = /,S=(\d{1,15})(?:,|$)/.exec(unique)?.[1];
  return size === undefined ? undefined : Number(size);
}

/** By the time that names begin with, then as they are. */
export function compareNames(one: string, other: string): number {
  const [first, second] = [Number.parseInt(one, 10), Number.parseInt(other, 10)];
  if (first !== second && !Number.isNaN(first) && !Number.isNaN(second)) return first - second;
  return one < other ? -1 : one > other ? 1 : 0;
}
