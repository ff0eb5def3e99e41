/** `porthole ls URL...` */
import { PortholeError } from "../../errors.js";
import type { Entry, ListQuery } from "../../plugin.js";
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
  const query: ListQuery = {
    recursive: options["recursive"] === true,
    ...(typeof options["limit"] === "number" ? { limit: options["limit"] } : {}),
  };
  return workThrough(desk, someUrls(desk), ["ls"], async (target) => {
    await visit(desk, target, async (session) => {
      if (session.list === undefined) throw new PortholeError("usage", "there is nothing to list here");
      const entries = limited(session.list(target.path, query), query.limit);
      await showEntries(entries, terminal, { style, protocol: target.protocol });
    });
    return undefined;
  });
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
