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
  client.require(target, "search", ["search", "ls", "get"]);
  const limit = typeof options["limit"] === "number" ? options["limit"] : undefined;
  const style = listingStyle(
    { json: options["json"] === true, long: options["long"] === true, open: true },
    terminal.outputIsTerminal,
  );
  await visit(desk, target, async (session) => {
    // A server's own search needs none of this.
    const { search } = await import("../../verbs/search.js");
    const bound = limit === undefined ? {} : { limit };
    const found = search(session, target.path, query.join(" "), bound, (text) => terminal.warn(text));
    await showEntries(limited(found, limit), terminal, { style, protocol: target.protocol });
  });
  return undefined;
}
