/** `porthole ls URL...` */
import { PortholeError } from "../../errors.js";
import type { Entry, ListQuery, Options } from "../../plugin.js";
import type { Desk } from "../command.js";
import { listingStyle, showEntries } from "../entries.js";
import { someUrls, workThrough } from "../targets.js";
import { visit } from "../visit.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { terminal, options } = desk;
  const style = listingStyle(
    { json: options["json"] === true, long: options["long"] === true },
    terminal.outputIsTerminal,
  );
  const recursive = options["recursive"] === true;
  return workThrough(desk, someUrls(desk), ["ls"], async (target) => {
    await visit(desk, target, async (session) => {
      if (session.list === undefined) throw new PortholeError("usage", "there is nothing to list here");
      const list = session.list.bind(session);
      const entries = await inOrder((query) => list(target.path, { ...query, recursive }), options);
      await showEntries(entries, terminal, { style, protocol: target.protocol });
    });
    return undefined;
  });
}

/**
 * As `--sort`, `--reverse` and `--limit` have it: what the server sends first, or what is first in the user's order.
 * @param list asks the server, which need not tell more than the query says
 */
export async function inOrder(
  list: (query: ListQuery) => AsyncIterable<Entry>,
  options: Options,
): Promise<AsyncIterable<Entry>> {
  const limit = typeof options["limit"] === "number" ? options["limit"] : undefined;
  const { sort, reverse = false } = options;
  if (sort === undefined && reverse === false) {
    return limited(list(limit === undefined ? {} : { limit }), limit);
  }
  const { sorted } = await import("../../verbs/sorted.js");
  // As with ls: the other way round is that of names, unless something else is said.
  const by = sort === "size" || sort === "time" ? sort : "name";
  return sorted(list({}), { by, reverse: reverse === true, limit });
}

/** At most `limit` entries, however many the session gives. */
export async function* limited(
  entries: AsyncIterable<Entry>,
  limit: number | undefined,
): AsyncGenerator<Entry> {
  let count = 0;
  if (limit !== undefined && limit <= 0) return;
  for await (const entry of entries) {
    yield entry;
    if (entry.kind !== "note") count += 1;
    if (limit !== undefined && count >= limit) return;
  }
}
