/** NNTP (RFC 3977), with what servers of RFC 2980 have instead; in clear, after STARTTLS and under TLS. */
import type { Plugin } from "../../src/plugin.js";
import { COMMANDS } from "./commands/index.js";
import { Line } from "./line.js";
import { remember } from "./opened.js";
import { NewsSession } from "./session.js";

export const plugin: Plugin = {
  async open(target, context) {
    const session = await NewsSession.of(await Line.open(target, context));
    remember(target, session);
    return session;
  },
  commands: COMMANDS,
};
