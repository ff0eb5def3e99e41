/** `check` over a Client: how its targets are opened, and what is seen on the way. */
import type { Client } from "./client.js";
import type { Target } from "./plugin.js";
import type { CheckDoor, CheckResult } from "./verbs/check.js";
import { type CheckManyLimits, checkMany } from "./verbs/check-many.js";

/**
 * Checks servers, many at the same time, and tells each step as it is done.
 *
 *     for await (const { url, step, ok, ms } of check(["https://example.org"])) console.log(url, step, ok, ms);
 *
 * @throws PortholeError `usage` for what is no URL; the signal's reason
 */
export function check(
  client: Client,
  urls: readonly string[],
  limits: CheckManyLimits = {},
): AsyncIterable<CheckResult> {
  const targets = urls.map((url) => client.target(url));
  return checkMany(
    targets.map((target) => ({ target, door: doorTo(client, target) })),
    { signal: client.signal, ...limits },
  );
}

export function doorTo(client: Client, target: Target): CheckDoor {
  return {
    open: (seen, careless, signal) => {
      const looking = client.with({
        observer: {
          dialed: (connection) => seen.connections.push(connection),
          credentials: () => {
            seen.credentials = true;
          },
        },
        // Within this machine, too, the certificate is what the user wants to know about.
        policy: { starttls: client.policy.starttls ?? "auto", jobs: 1 },
        ...(careless ? { network: { tls: { insecure: true } }, credentials: async () => undefined } : {}),
      });
      return looking.open(careless ? withoutUser(target) : target, signal);
    },
    addresses: (signal) => client.addressesOf(target, signal),
  };
}

/** Where the certificate is not to be trusted, nobody logs in. */
function withoutUser(target: Target): Target {
  return { ...target, url: { ...target.url, user: undefined, password: undefined } };
}
