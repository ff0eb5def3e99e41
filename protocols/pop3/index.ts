/** POP3 (RFC 1939) with its extensions (RFC 2449, 2595, 5034, 6856), in clear, after STLS and under TLS. */
import type { Plugin } from "../../src/plugin.js";
import { commands, remember } from "./commands.js";
import { Line } from "./line.js";
import { Pop3Session } from "./session.js";

export const plugin: Plugin = {
  async open(target, context) {
    const line = await Line.open(target, context);
    remember(target, line);
    return new Pop3Session(line);
  },
  commands,
};
