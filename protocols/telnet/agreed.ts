/** Which options are agreed to, whoever is at this side. */
import { TELNET_OPTION } from "../../src/wire/telnet.js";
import type { TelnetSide } from "../../src/wire/telnet-options.js";

/** What we do when asked to. */
const OURS: ReadonlySet<number> = new Set([
  TELNET_OPTION.BINARY,
  TELNET_OPTION.SGA,
  TELNET_OPTION.STATUS,
  TELNET_OPTION.TTYPE,
  TELNET_OPTION.NAWS,
  TELNET_OPTION.TSPEED,
  TELNET_OPTION.NEW_ENVIRON,
  TELNET_OPTION.CHARSET,
]);
/**
 * What the server may do. XDISPLOC and OLD-ENVIRON are refused, for a telnetd that is given both kinds of
 * environment stands still; authentication and encryption are refused as nothing would use them.
 */
const THEIRS: ReadonlySet<number> = new Set([
  TELNET_OPTION.BINARY,
  TELNET_OPTION.ECHO,
  TELNET_OPTION.SGA,
  TELNET_OPTION.STATUS,
  TELNET_OPTION.EOR,
  TELNET_OPTION.CHARSET,
  TELNET_OPTION.MSSP,
  TELNET_OPTION.MCCP2,
  TELNET_OPTION.MCCP3,
  TELNET_OPTION.GMCP,
]);

export function agreesTo(side: TelnetSide, option: number): boolean {
  return (side === "us" ? OURS : THEIRS).has(option);
}
