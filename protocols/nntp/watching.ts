/** What is new, asked for again and again: NNTP has no way to be told. */
import { setTimeout as sleep } from "node:timers/promises";
import { abortReason, PortholeError } from "../../src/errors.js";
import type { WatchEvent } from "../../src/plugin.js";
import { decodeWords } from "../../src/wire/words.js";
import { articleEntry, groupEntry } from "./entry.js";
import type { FieldText } from "./field-text.js";
import { parseActive } from "./group-facts.js";
import type { Line } from "./line.js";
import { inOrder } from "./overviews.js";
import { refusal } from "./refusal.js";

/** Seconds between two questions, when nothing else was asked for. */
const USUAL_INTERVAL = 60;
const SHORTEST_INTERVAL = 0.05;

/** Articles that come into a group from now on, as GROUP tells. */
export async function* watchGroup(
  line: Line,
  group: string,
  text: FieldText,
): AsyncGenerator<WatchEvent, void, undefined> {
  let { high: seen } = await (await line.peer()).select(group);
  for (;;) {
    await pause(line);
    const peer = await line.peer();
    const facts = await peer.select(group);
    const { high } = facts;
    if (high < seen) {
      line.context.warn(`${group} was numbered anew: its last article is ${high}, and was ${seen}`);
      seen = high;
    }
    if (high === seen) continue;
    for await (const batch of inOrder(peer, facts, { low: seen + 1 })) {
      for (const overview of batch) {
        if (overview.number <= seen) continue;
        const entry = await articleEntry(line.target, overview, group, text);
        yield { event: "new", entry, at: new Date() };
      }
    }
    seen = high;
  }
}

/** Groups that are made from now on, by the server's own clock. */
export async function* watchServer(line: Line): AsyncGenerator<WatchEvent, void, undefined> {
  const known = new Set<string>();
  let since = await serverTime(line);
  for (;;) {
    await pause(line);
    const peer = await line.peer();
    const now = await serverTime(line);
    const lines = peer.lines(["NEWGROUPS", since.slice(0, 8), since.slice(8), "GMT"], 231);
    for (;;) {
      const { done, value } = await lines.next();
      if (done === true) {
        if (value !== undefined) throw refusal(value, "the server does not tell its new groups");
        break;
      }
      const group = parseActive(decodeWords(value));
      if (group === undefined || known.has(group.name)) continue;
      known.add(group.name);
      yield { event: "new", entry: groupEntry(line.target, group), at: new Date() };
    }
    since = now;
  }
}

/** DATE (RFC 3977, 7.1): `yyyymmddhhmmss`, UTC. */
async function serverTime(line: Line): Promise<string> {
  const reply = await (await line.peer()).ask(["DATE"]);
  const time = reply.code === 111 ? /^\d{14}/.exec(reply.text)?.[0] : undefined;
  return time ?? stamp(new Date());
}

/** The time as DATE writes it. */
export function stamp(date: Date): string {
  return date.toISOString().replace(/[-:T]/g, "").slice(0, 14);
}

async function pause({ context }: Line): Promise<void> {
  const wanted = context.options["interval"];
  const seconds = typeof wanted === "number" ? wanted : USUAL_INTERVAL;
  if (!(seconds >= SHORTEST_INTERVAL)) {
    throw new PortholeError("usage", `--interval wants seconds, ${SHORTEST_INTERVAL} at least`);
  }
  try {
    await sleep(seconds * 1000, undefined, { signal: context.signal });
  } catch {
    throw abortReason(context.signal);
  }
}
