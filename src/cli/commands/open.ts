/** `porthole URL`: shows what is there, whatever it is. */
import { PortholeError } from "../../errors.js";
import { CONTAINERS, type EntryKind, type Session, type Target, type Verb } from "../../plugin.js";
import { keptMenuIn } from "../../verbs/kept-menu.js";
import type { Desk } from "../command.js";
import { listingStyle, showEntries } from "../entries.js";
import { destinationOf, fetchTo, isViewed, show } from "../fetch.js";
import { oneUrl } from "../targets.js";
import { visit } from "../visit.js";
import { inOrder } from "./ls.js";

const SHOWING: readonly Verb[] = ["ls", "get", "interact"];

export async function run(desk: Desk): Promise<number | undefined> {
  const { client, options, terminal } = desk;
  const target = client.target(oneUrl(desk));
  const destination = destinationOf(options, 1);
  const saves = destination.kind !== "output" || isViewed(options);
  const verbs = client.verbsOf(target);
  client.require(target, "open", saves ? SHOWING : [...SHOWING, "check"]);
  // A server that holds nothing to look at shows what it offers.
  if (!SHOWING.some((verb) => verbs.includes(verb))) return (await import("./check.js")).run(desk);
  // What a page is to be shown as makes it a document, wherever it goes.
  if (saves) {
    const told = await fetchTo(desk, target, destination);
    if (told !== undefined) await terminal.write(told);
    return undefined;
  }
  await visit(desk, target, async (session) => {
    if (session.interact !== undefined)
      return (await import("../interactive.js")).interact(desk, session, target);
    if (CONTAINERS.has(await kindOf(session, target)) && session.list !== undefined) {
      const isShown = terminal.outputIsTerminal && options["json"] !== true && options["long"] !== true;
      const menu = isShown ? await keptMenuIn(client, target, session) : undefined;
      if (menu !== undefined && session.read !== undefined) return show(desk, await session.read(menu));
      const style = listingStyle(
        { json: options["json"] === true, long: options["long"] === true, open: true },
        terminal.outputIsTerminal,
      );
      const list = session.list.bind(session);
      const entries = await inOrder((query) => list(target.path, query), options);
      await showEntries(entries, terminal, { style, protocol: target.protocol });
    } else if (session.read !== undefined) await show(desk, await session.read(target.path));
    else throw new PortholeError("usage", "there is nothing to show here");
  });
  return undefined;
}

/** From the path where it tells, else from the server, else by what the session can do. */
async function kindOf(session: Session, target: Target): Promise<EntryKind> {
  const known = session.kindOf?.(target.path);
  if (known !== undefined) return known;
  if (session.list === undefined) return "page";
  if (session.read === undefined) return "directory";
  return session.stat === undefined ? "page" : (await session.stat(target.path)).kind;
}
