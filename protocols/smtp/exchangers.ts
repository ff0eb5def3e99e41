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

/** Nothing was heard from the host. */
const UNHEARD: ReadonlySet<string> = new Set(["resolve", "connect", "timeout"]);

/** @returns the server, and the target that it was met by @throws what the first that was reached failed with, or the first */
export async function meetExchanger(
  target: Target,
  context: Context,
  maxUnanswered?: number,
): Promise<{ readonly peer: Peer; readonly target: Target }> {
  return atExchanger(target, context, (there) => meet(there, context, maxUnanswered));
}

/** As `meetExchanger`, but spoken to by `approach`. */
export async function atExchanger(
  target: Target,
  context: Context,
  approach: (there: Target) => Promise<Peer>,
): Promise<{ readonly peer: Peer; readonly target: Target }> {
  if (context.options["mx"] !== true) return { peer: await approach(target), target };
  if (context.mailHosts === undefined)
    throw new PortholeError("other", "MX records cannot be asked for here");
  if (target.url.user !== undefined) {
    throw new PortholeError("usage", "a domain's exchangers take mail without a login", {
      hint: "leave out the user, or leave out --mx and name the server",
    });
  }
  const hosts = await context.mailHosts(target.host);
  let failure: PortholeError | undefined;
  for (const host of hosts) {
    const there = { ...target, host };
    try {
      return { peer: await approach(there), target: there };
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || !TRY_NEXT.has(thrown.code)) throw thrown;
      context.note(`${host} does not take the mail: ${thrown.message}`);
      if (failure === undefined || (UNHEARD.has(failure.code) && !UNHEARD.has(thrown.code))) failure = thrown;
    }
  }
  throw failure ?? new PortholeError("resolve", `no host takes mail for ${target.host}`);
}
