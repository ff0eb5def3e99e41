/** The hosts that a mail for a domain is handed to: the one in the URL, or with `--mx` those of its MX records. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Target } from "../../src/plugin.js";
import { meet } from "./hello.js";
import type { Peer } from "./peer.js";

/** What the next exchanger may do better (RFC 5321, 5.1). */
const TRY_NEXT: ReadonlySet<string> = new Set([
  "resolve",
  "connect",
  "tls",
  "timeout",
  "busy",
  "refused",
  "protocol",
]);

/** @returns the server, and the target that it was met by @throws what the last of them failed with */
export async function meetExchanger(
  target: Target,
  context: Context,
  maxUnanswered?: number,
): Promise<{ readonly peer: Peer; readonly target: Target }> {
  if (context.options["mx"] !== true) return { peer: await meet(target, context, maxUnanswered), target };
  if (context.mailHosts === undefined)
    throw new PortholeError("other", "MX records cannot be asked for here");
  if (target.url.user !== undefined) {
    throw new PortholeError("usage", "a domain's exchangers take mail without a login", {
      hint: "leave out the user, or leave out --mx and name the server",
    });
  }
  const hosts = await context.mailHosts(target.host);
  let failure: unknown;
  for (const host of hosts) {
    const there = { ...target, host };
    try {
      return { peer: await meet(there, context, maxUnanswered), target: there };
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || !TRY_NEXT.has(thrown.code)) throw thrown;
      context.note(`${host} does not take the mail: ${thrown.message}`);
      failure ??= thrown;
    }
  }
  throw failure;
}
