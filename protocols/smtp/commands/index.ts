/** What only SMTP can do, by name. */
import type { Command } from "../../../src/plugin.js";
import { bulk } from "./bulk.js";
import { probeCommand } from "./probe.js";
import { relay } from "./relay.js";
import { etrn, expn, help, noop, quote, vrfy } from "./server.js";

export const commands: Readonly<Record<string, Command>> = {
  probe: probeCommand,
  bulk,
  relay,
  vrfy,
  expn,
  help,
  noop,
  etrn,
  quote,
};
