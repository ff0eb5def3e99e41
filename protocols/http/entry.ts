/** An answer as an Entry. */
import type { Entry, JsonObject } from "../../src/plugin.js";
import { codingsOf } from "./content-coding.js";
import { type Header, type HttpResponse, headerValue } from "./engine.js";
import { headerText } from "./header-text.js";
import type { Hop } from "./hops.js";
import { parseMediaType } from "./media-type.js";
import { type Place, urlOf } from "./redirects.js";

/** An answer, and where it was found after redirects. */
export interface Answer {
  readonly place: Place;
  readonly response: HttpResponse;
  /** The way there, the last request included. */
  readonly hops: readonly Hop[];
}

export function entryOf({ place, response }: Pick<Answer, "place" | "response">): Entry {
  const { headers } = response;
  let meta: JsonObject | undefined;
  const modified = new Date(headerValue(headers, "last-modified") ?? Number.NaN);
  const type = headerValue(headers, "content-type");
  const coded = codingsOf(headerValue(headers, "content-encoding")).length > 0;
  const length = Number(headerValue(headers, "content-length") ?? Number.NaN);
  return {
    url: urlOf(place),
    name: nameOf(place),
    kind: "page",
    // A coded body has another size than what comes of it, and a part than the whole.
    ...(coded || response.status === 206 || !Number.isSafeInteger(length) ? {} : { size: length }),
    ...(Number.isNaN(modified.getTime()) ? {} : { modified }),
    ...(type === undefined ? {} : { type: parseMediaType(type).type }),
    // Made when it is asked for, which of many files saved nobody does.
    get meta() {
      meta ??= metaOf(response);
      return meta;
    },
  };
}

/** What has been written: the answer's headers are about the answer. */
export function writtenEntry({ place, response }: Answer, size: number | undefined): Entry {
  return {
    url: urlOf(place),
    name: nameOf(place),
    kind: "page",
    ...(size === undefined ? {} : { size }),
    meta: metaOf(response),
  };
}

/** Status and headers. */
function metaOf({ status, reason, headers }: HttpResponse): JsonObject {
  return { status, reason, headers: joinedHeaders(headers) };
}

/** Names in lower case, values of one name joined as RFC 9110, 5.3 has it. */
export function joinedHeaders(headers: readonly Header[]): Readonly<Record<string, string>> {
  const joined = new Map<string, string>();
  for (const header of headers) {
    const key = header[0].toLowerCase();
    const value = headerText(header[1]);
    const before = joined.get(key);
    joined.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(joined);
}

function nameOf({ path }: Place): string {
  const last = path.split("?", 1)[0]?.replace(/\/+$/, "").split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(last) || "index.html";
  } catch {
    return last;
  }
}
