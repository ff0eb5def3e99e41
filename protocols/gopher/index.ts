/** The Gopher protocol (RFC 1436), in clear and under TLS. */
import type { Command, Plugin } from "../../src/plugin.js";
import { remember } from "./opened.js";
import { GopherSession } from "./session.js";

/** Commands are loaded when one is wanted: most runs list a menu, or get an item. */
function own(name: string): Command {
  return async function* (invocation) {
    const { commands } = await import("./commands.js");
    const command = commands[name];
    if (command !== undefined) yield* command(invocation);
  };
}

export const plugin: Plugin = {
  // A server closes after each answer (RFC 1436, 2), so there is nothing to connect to before the first request.
  open: async (target, context) => remember(target, new GopherSession(target, context)),
  commands: { attributes: own("attributes"), ask: own("ask"), caps: own("caps"), crawl: own("crawl") },
};
