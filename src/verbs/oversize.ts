/** What is larger than somebody wants to have: told beforehand by a listing, or found out while it comes. */
import type { Readable } from "node:stream";
import { PortholeError } from "../errors.js";

/** It came, or was announced, with more octets than were allowed. */
export class Oversize extends PortholeError {
  /** The target was given its beginning: one that keeps halves has it. */
  isBegun = false;
}

/** @param size octets; one that nobody knows is not too large before it has come */
export function isOver(size: number | undefined, maxSize: number | undefined): boolean {
  return size !== undefined && maxSize !== undefined && size > maxSize;
}

/** @throws Oversize for more octets than `maxSize`; the body, which may be made only when it is asked for, is ended */
export function refuseOversize(
  size: number,
  maxSize: number | undefined,
  its: { readonly body: Readable },
): void {
  if (maxSize === undefined || size <= maxSize) return;
  its.body.destroy();
  throw new Oversize("protocol", `the document is larger than the ${maxSize} octets allowed`, {
    hint: "--max-size sets the bound",
    // Asked again, it is as large.
    retryAfter: Number.POSITIVE_INFINITY,
  });
}

/** The bound for what is read: where a listing has told the size, that has decided already. */
export function boundOf(
  size: number | undefined,
  maxSize: number | undefined,
): { readonly maxSize?: number } {
  return size !== undefined || maxSize === undefined ? {} : { maxSize };
}
