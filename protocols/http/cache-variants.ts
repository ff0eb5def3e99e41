/**
 * What the cache knows of one URL: the answers that are kept for it, which differ by what their Vary names
 * (RFC 9111, 4.1), latest first.
 */
import type CachePolicy from "http-cache-semantics";
import { type Header, type HttpRequest, type HttpResponse, headerValue } from "./engine.js";

/** Answers of one URL: what a site varies by is language, coding and login, and few have more of those. */
export const MOST_VARIANTS = 8;

export interface Variant {
  /** Names the file with the body; several variants may share one. */
  readonly body: string;
  /** Octets of the body. */
  readonly size: number;
  readonly reason: string;
  readonly policy: CachePolicy.CachePolicyObject;
}

export type Asked = Pick<HttpRequest, "method" | "headers">;

/** The variants that a description tells of; none for one that cannot be read, or of another URL. */
export function variantsIn(text: string | undefined, url: string): readonly Variant[] {
  if (text === undefined) return [];
  try {
    const kept: { url?: unknown; variants?: unknown } = JSON.parse(text);
    if (kept.url !== url || !Array.isArray(kept.variants)) return [];
    return kept.variants.filter(isVariant);
  } catch {
    return [];
  }
}

export function description(url: string, variants: readonly Variant[]): string {
  return JSON.stringify({ url, variants });
}

/** With a new one at the front; what it stands in for, and what is beyond the bound, is gone. */
export function withVariant(
  variants: readonly Variant[],
  latest: Variant,
  asked: CachePolicy.Request,
): readonly Variant[] {
  return [latest, ...variants.filter((one) => !isFor(one, asked))].slice(0, MOST_VARIANTS);
}

/** RFC 9111, 4.1: whether the headers that the answer's Vary names are alike in both requests. */
export function isFor({ policy: { resh, reqh } }: Variant, asked: CachePolicy.Request): boolean {
  const { vary } = resh;
  if (vary === undefined) return true;
  return String(vary)
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .every((name) => name !== "*" && reqh?.[name] === asked.headers[name]);
}

/** RFC 9111, 4.3.1: what is kept for other requests may be right for this one too, and a 304 tells which. */
export function conditionsOfAll(variants: readonly Variant[]): Header[] {
  const tags = variants.flatMap(({ policy }) => policy.resh["etag"] ?? []);
  return tags.length === 0 ? [] : [["If-None-Match", [...new Set(tags)].join(", ")]];
}

/** The one that a 304 is about (RFC 9111, 4.3.4). @param candidates those that were asked about */
export function renewedBy(
  answer: Pick<HttpResponse, "headers">,
  candidates: readonly Variant[],
): Variant | undefined {
  const tag = headerValue(answer.headers, "etag");
  if (tag !== undefined) return candidates.find(({ policy }) => isSameTag(policy.resh["etag"], tag));
  return candidates.length === 1 ? candidates[0] : undefined;
}

/**
 * A 304's headers, with the validators of what it is about where it names none: without them the policy would take it
 * for an answer about something else.
 */
export function withValidators(
  headers: Readonly<Record<string, string>>,
  { policy: { resh } }: Variant,
): Record<string, string> {
  if (headers["etag"] !== undefined) return { ...headers };
  const { etag, "last-modified": modified } = resh;
  return {
    ...headers,
    ...(etag === undefined ? {} : { etag: String(etag) }),
    ...(etag !== undefined || modified === undefined ? {} : { "last-modified": String(modified) }),
  };
}

/** RFC 9110, 8.8.3.2: for a whole document the weak comparison will do. */
function isSameTag(a: unknown, b: string): boolean {
  return typeof a === "string" && a.replace(/^W\//, "") === b.replace(/^W\//, "");
}

function isVariant(value: unknown): value is Variant {
  if (typeof value !== "object" || value === null) return false;
  if (!("body" in value && "size" in value && "reason" in value && "policy" in value)) return false;
  const { body, size, reason, policy } = value;
  return (
    typeof body === "string" &&
    /^[0-9a-f]+$/.test(body) &&
    typeof size === "number" &&
    typeof reason === "string" &&
    typeof policy === "object" &&
    policy !== null &&
    "resh" in policy
  );
}
