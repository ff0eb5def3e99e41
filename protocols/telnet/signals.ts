/** What may be sent besides data, by the names that telnet programs have for it. */
import { TELNET, TELNET_OPTION, telnetCommand } from "../../src/wire/telnet.js";

/**
 * RFC 854. Node cannot send urgent data, so a Synch is its data mark alone: a server in its usual state takes that for
 * nothing, and hears an interrupt when it has read what was sent before it.
 */
export const SIGNAL_OCTETS: Readonly<Record<string, Buffer>> = {
  ayt: telnetCommand(TELNET.AYT),
  break: telnetCommand(TELNET.BRK),
  brk: telnetCommand(TELNET.BRK),
  ip: telnetCommand(TELNET.IP),
  ao: telnetCommand(TELNET.AO),
  ec: telnetCommand(TELNET.EC),
  el: telnetCommand(TELNET.EL),
  eof: telnetCommand(TELNET.EOF),
  susp: telnetCommand(TELNET.SUSP),
  abort: telnetCommand(TELNET.ABORT),
  nop: telnetCommand(TELNET.NOP),
  synch: telnetCommand(TELNET.DM),
};

export const SIGNALS: Readonly<Record<string, string>> = {
  ayt: "are you there?",
  break: "the break key",
  ip: "interrupt what runs there",
  ao: "throw away its output",
  ec: "erase a character",
  el: "erase the line",
  eof: "the end of what is typed (RFC 1184, as the next two)",
  susp: "suspend what runs there",
  abort: "abort what runs there",
  nop: "nothing, to keep the line alive",
  synch: "a data mark",
  brk: "break, by the name that inetutils has for it",
  status: "what was agreed on",
};

export const MODES: Readonly<Record<string, string>> = {
  character: "send each key as it is typed",
  line: "send whole lines",
};

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(TELNET_OPTION).map(([name, option]) => [option, name.replaceAll("_", "-")]),
);

export function shownOption(option: number): string {
  return NAMES.get(option) ?? `option ${option}`;
}
