/** Watching a place: its events as they come where it is a stream of them, otherwise whether it has changed. */
import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { abortReason, PortholeError } from "../../src/errors.js";
import type { Context, Target, WatchEvent, WatchQuery } from "../../src/plugin.js";
import { codingsOf, decoded } from "./content-coding.js";
import { drain } from "./drain.js";
import { type Header, type HttpResponse, headerValue } from "./engine.js";
import { type Answer, entryOf } from "./entry.js";
import { EventStream, type ServerEvent } from "./event-stream.js";
import { urlOf } from "./redirects.js";
import type { Requester } from "./requester.js";

const USUAL_INTERVAL_MS = 60_000;
/** Before a stream that ended is asked for again, when the server names no time (milliseconds). */
const USUAL_RETRY_MS = 3000;
const LONGEST_WAIT_MS = 60 * 60_000;
/** Octets that are read to find out whether something changed, where no header tells. */
const MOST_READ = 16 * 1024 ** 2;

/** Outlives a session: who takes a broken stream up again wants what came meanwhile. */
const lastIds = new WeakMap<Target, string>();
const lastSeen = new WeakMap<Target, string>();

/**
 * @throws PortholeError for what cannot be had at the start, and when the connection breaks
 */
export async function* watchPlace(
  requester: Requester,
  path: string,
  query: WatchQuery,
  { target, context }: { readonly target: Target; readonly context: Context },
): AsyncGenerator<WatchEvent, void, undefined> {
  const headers: Header[] = [["Accept", "text/event-stream, */*;q=0.5"]];
  const lastId = lastIds.get(target);
  if (lastId !== undefined && lastId !== "") headers.push(["Last-Event-ID", lastId]);
  const answer = await requester.ask({ method: "GET", path, headers });
  const type = headerValue(answer.response.headers, "content-type") ?? "";
  if (/^\s*text\/event-stream\b/i.test(type)) yield* eventsOf(requester, path, answer, target, context);
  else yield* changesOf(requester, path, answer, { ...query, target, signal: context.signal });
}

async function* eventsOf(
  requester: Requester,
  path: string,
  first: Answer,
  target: Target,
  context: Context,
): AsyncGenerator<WatchEvent, void, undefined> {
  let answer = first;
  let retryMs = USUAL_RETRY_MS;
  for (;;) {
    const { place, response } = answer;
    const connection = requester.connector.latestTo(place.origin);
    // Nothing may happen for hours.
    if (connection !== undefined) connection.patient = true;
    const stream = new EventStream(lastIds.get(target));
    const body: AsyncIterable<Buffer> = await decodedBody(response);
    for await (const octets of body) {
      for (const event of stream.write(octets)) {
        lastIds.set(target, stream.lastId);
        yield asWatchEvent(event, urlOf(place));
      }
    }
    lastIds.set(target, stream.lastId);
    retryMs = stream.retryMs ?? retryMs;
    context.note(`the stream ended; asking again in ${retryMs} ms`);
    await pause(retryMs, context.signal);
    answer = await requester.ask({
      method: "GET",
      path,
      headers: [
        ["Accept", "text/event-stream"],
        ...(stream.lastId === "" ? [] : [["Last-Event-ID", stream.lastId] as const]),
      ],
    });
    // HTML Standard, 9.2.3: 204 says that there is nothing more.
    if (answer.response.status === 204) {
      await drain(answer.response.body);
      return;
    }
    const type = headerValue(answer.response.headers, "content-type") ?? "";
    if (!/^\s*text\/event-stream\b/i.test(type)) {
      answer.response.body.destroy();
      throw new PortholeError("refused", "the place is no stream of events any more", { reply: type });
    }
  }
}

function asWatchEvent({ type, data, id }: ServerEvent, url: string): WatchEvent {
  return {
    event: "data",
    at: new Date(),
    text: data,
    entry: { url, name: type, kind: "other", meta: { event: type, data, ...(id === "" ? {} : { id }) } },
  };
}

/** What is known of the document: enough to ask whether it has changed. */
interface Seen {
  readonly mark: string;
  readonly conditions: readonly Header[];
}

async function* changesOf(
  requester: Requester,
  path: string,
  first: Answer,
  {
    interval: seconds,
    target,
    signal,
  }: WatchQuery & { readonly target: Target; readonly signal: AbortSignal },
): AsyncGenerator<WatchEvent, void, undefined> {
  const interval = seconds === undefined ? USUAL_INTERVAL_MS : seconds * 1000;
  const earlier = lastSeen.get(target);
  let seen: Seen | undefined = await look(first.response);
  if (earlier !== undefined && earlier !== seen.mark) {
    yield { event: "changed", at: new Date(), entry: entryOf(first) };
  }
  let rest = interval;
  for (;;) {
    if (seen === undefined) lastSeen.delete(target);
    else lastSeen.set(target, seen.mark);
    await pause(rest, signal);
    rest = interval;
    const answer = await requester.ask({
      method: "GET",
      path,
      headers: seen?.conditions ?? [],
      welcomes: ({ status }) => [404, 410, 429, 503].includes(status),
    });
    const { response } = answer;
    const { status } = response;
    if (status === 429 || status === 503) {
      await drain(response.body);
      // RFC 9110, 10.2.3: who says when to come again is heeded.
      rest = Math.max(interval, retryAfterMs(headerValue(response.headers, "retry-after")));
    } else if (status === 304) await drain(response.body);
    else if (status >= 400) {
      await drain(response.body);
      if (seen !== undefined) yield { event: "gone", at: new Date(), entry: entryOf(answer) };
      seen = undefined;
    } else {
      const now = await look(response);
      const before: Seen | undefined = seen;
      seen = now;
      if (before?.mark !== now.mark) {
        yield { event: before === undefined ? "new" : "changed", at: new Date(), entry: entryOf(answer) };
      }
    }
  }
}

async function look(response: HttpResponse): Promise<Seen> {
  const etag = headerValue(response.headers, "etag");
  const modified = headerValue(response.headers, "last-modified");
  if (etag === undefined && modified === undefined) {
    return { mark: await hashOf(await decodedBody(response)), conditions: [] };
  }
  await drain(response.body);
  return {
    mark: etag ?? modified ?? "",
    conditions: [
      ...(etag === undefined ? [] : [["If-None-Match", etag] as const]),
      ...(modified === undefined ? [] : [["If-Modified-Since", modified] as const]),
    ],
  };
}

async function hashOf(body: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  let octets = 0;
  for await (const piece of body) {
    hash.update(piece);
    octets += piece.length;
    if (octets >= MOST_READ) break;
  }
  return hash.digest("hex");
}

function decodedBody({ body, headers }: HttpResponse): Promise<Readable> {
  return decoded(body, codingsOf(headerValue(headers, "content-encoding")));
}

/** Seconds, or a date. */
function retryAfterMs(value: string | undefined): number {
  if (value === undefined) return 0;
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.max(0, Math.min(LONGEST_WAIT_MS, ms));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch {
    throw abortReason(signal);
  }
}
