/** Why a connection could not be made from the port of this machine that was asked for. */
import { PortholeError, systemCode } from "../errors.js";
import { ownerOfPort } from "./port-owner.js";

/** Undefined where the port is not the reason. Exit 4. */
export async function localPortError(
  cause: unknown,
  port: number,
  transport: "tcp" | "udp",
): Promise<PortholeError | undefined> {
  switch (systemCode(cause)) {
    case "EADDRINUSE": {
      const owner = await ownerOfPort(port, transport);
      const who = owner === undefined ? "" : ` by ${owner.program} (process ${owner.pid})`;
      return new PortholeError("connect", `port ${port} of this machine is in use${who}`, {
        hint: "choose another --source-port",
        cause,
      });
    }
    case "EADDRNOTAVAIL":
      // TCP: the same two ends may not be joined anew while their last connection lingers (RFC 9293, 3.6.1).
      return new PortholeError(
        "connect",
        `port ${port} of this machine has, or had a moment ago, a connection to the same place`,
        {
          hint: "choose another --source-port, or wait a minute; with --interface: is that address this machine's?",
          cause,
        },
      );
    case "EACCES":
      return new PortholeError("connect", `port ${port} of this machine may not be used`, {
        hint: "ports below 1024 are for the system; take a higher one",
        cause,
      });
    default:
      return undefined;
  }
}
