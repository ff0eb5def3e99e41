/** The Gopher protocol (RFC 1436), in clear and under TLS. */
import type { Plugin } from "../../src/plugin.js";
import { commands } from "./commands.js";
import { remember } from "./opened.js";
import { GopherSession } from "./session.js";

export const plugin: Plugin = {
  // A server closes after each answer (RFC 1436, 2), so there is nothing to connect to before the first request.
  open: async (target, context) => remember(target, new GopherSession(target, context)),
  commands,
};
