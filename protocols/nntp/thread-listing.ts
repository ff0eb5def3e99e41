/** The articles of a group as threads: answers behind what they answer, with how deep they lie. */
import type { Entry } from "../../src/plugin.js";
import { articleEntry, messageIdIn, messageIdsIn } from "./entry.js";
import { newestFirst } from "./overviews.js";
import type { Range } from "./path.js";
import type { NewsSession } from "./session.js";
import { type Threadable, threadsOf, walk } from "./threading.js";

/** Articles that are held for a tree, when nobody says otherwise: the newest. */
const THREADED = 1000;
/** Levels that are shown; deeper ones stand on the last. */
const DEEPEST = 40;

export interface Threaded {
  readonly depth: number;
  /** Undefined where answers tell of an article that is not among them. */
  readonly entry: Entry | undefined;
}

interface Node extends Threadable {
  readonly entry: Entry;
}

export async function* threaded(
  session: NewsSession,
  group: string,
  range: Range | undefined,
  limit = range === undefined ? THREADED : undefined,
): AsyncGenerator<Threaded, void, undefined> {
  const peer = await session.line.peer();
  const facts = await peer.selectToList(group);
  const articles: Node[] = [];
  for await (const batch of newestFirst(peer, facts, range, limit)) {
    for (const overview of batch) {
      const entry = await articleEntry(session.line.target, overview, group, session.text);
      articles.push({
        id: messageIdIn(overview.fields.get("message-id")) ?? `#${overview.number}`,
        references: messageIdsIn(overview.fields.get("references")),
        subject: entry.name,
        entry,
      });
    }
  }
  for (const { node, depth } of walk(threadsOf(articles.reverse()))) {
    yield { depth: Math.min(depth, DEEPEST), entry: node.article?.entry };
  }
}
