/** Parts of a document (RFC 9110, 14) and what tells that it is still the same one. */
import { PortholeError } from "../../src/errors.js";
import type { ReadQuery } from "../../src/plugin.js";
import { type Header, type HttpResponse, headerValue } from "./engine.js";

/** The headers that ask for what the query wants; none for the whole. */
export function rangeHeaders({ offset, length, validator }: ReadQuery): Header[] {
  if (offset === undefined && length === undefined) return [];
  const first = offset ?? 0;
  const last = length === undefined ? "" : String(first + length - 1);
  const headers: Header[] = [["Range", `bytes=${first}-${last}`]];
  // RFC 9110, 13.1.5: a part of the same thing, or all of the new one.
  if (validator !== undefined) headers.push(["If-Range", validator]);
  return headers;
}

export interface Part {
  /** Its first octet within the whole. */
  readonly first: number;
  /** Octets of the whole, when the server told. */
  readonly total?: number;
}

/**
 * Which part a 206 holds; undefined for all else.
 * @throws PortholeError `protocol` when it is not the one that was asked for
 */
export function partOf(response: HttpResponse, query: ReadQuery): Part | undefined {
  if (response.status !== 206) return undefined;
  const value = headerValue(response.headers, "content-range") ?? "";
  const [, from, to, whole] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(value) ?? [];
  const first = Number(from);
  const octets = Number(to) - first + 1;
  const length = headerValue(response.headers, "content-length");
  const asked = query.offset ?? 0;
  if (first !== asked || !(octets > 0) || (length !== undefined && Number(length) !== octets)) {
    throw new PortholeError("protocol", "the server sent another range than was asked for", {
      reply: value === "" ? "206 without Content-Range" : value,
    });
  }
  return whole === "*" ? { first } : { first, total: Number(whole) };
}

/**
 * A part of another version than the one that is there in part (RFC 9110, 15.3.7.3): servers that do not know If-Range give
 * whatever they have now.
 */
export function isOfAnother({ headers }: HttpResponse, { validator }: ReadQuery): boolean {
  if (validator === undefined) return false;
  const found = headerValue(headers, validator.startsWith('"') ? "etag" : "last-modified");
  return found !== undefined && found.replace(/^W\//, "") !== validator;
}

/** A 416 that says: the whole has just as many octets as the query wants left out (RFC 9110, 15.5.17). */
export function isAtEnd(response: HttpResponse, { offset = 0 }: ReadQuery): boolean {
  const value = headerValue(response.headers, "content-range") ?? "";
  return response.status === 416 && offset > 0 && /^bytes \*\/(\d+)$/i.exec(value)?.[1] === String(offset);
}

/** What If-Range takes (RFC 9110, 13.1.5): a strong ETag, or a date. */
export function validatorOf(headers: readonly Header[]): string | undefined {
  const etag = headerValue(headers, "etag");
  if (etag?.startsWith('"')) return etag;
  return headerValue(headers, "last-modified");
}

/** What If-None-Match takes, or If-Modified-Since: of a whole document a weak ETag tells enough (RFC 9110, 8.8.3.2). */
export function versionOf(headers: readonly Header[]): string | undefined {
  return headerValue(headers, "etag") ?? headerValue(headers, "last-modified");
}
