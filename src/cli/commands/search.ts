/** `porthole search URL WORDS...` */
import { PortholeError } from "../../errors.js";
import type { Desk } from "../command.js";
import { listingStyle, showEntries } from "../entries.js";
import { visit } from "../visit.js";
import { limited } from "./ls.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { client, terminal, options, words } = desk;
  const [url, ...query] = words;
  if (url === undefined || query.length === 0) {
    throw new PortholeError("usage", "search wants a URL and words", {
      hint: "porthole search URL WORDS...",
    });
  }
  const target = client.target(url);
  client.require(target, "search", ["search"]);
  const limit = typeof options["limit"] === "number" ? options["limit"] : undefined;
  const style = listingStyle(
    { json: options["json"] === true, long: options["long"] === true, open: true },
    terminal.outputIsTerminal,
  );
  await visit(desk, target, async (session) => {
    if (session.search === undefined) return;
    const found = session.search(target.path, query.join(" "), limit === undefined ? {} : { limit });
    await showEntries(limited(found, limit), terminal, { style, protocol: target.protocol });
  });
  return undefined;
}
