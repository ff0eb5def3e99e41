/** From a host name to addresses to try, in the order to try them. */
import { isIP } from "node:net";
import { abortReason, messageOf, PortholeError, systemCode } from "../errors.js";
import type { NetworkSettings } from "./settings.js";

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * @throws PortholeError `resolve` when there is no address (of the family asked for).
 * The system's resolver cannot be interrupted; when `signal` fires its late answer is ignored.
 */
export async function resolveHost(
  host: string,
  port: number,
  settings: NetworkSettings,
  signal: AbortSignal,
): Promise<Address[]> {
  const name = host.includes(":") ? `[${host}]` : host;
  const given = settings.resolve?.get(`${name.toLowerCase()}:${port}`) ?? settings.resolve?.get(`*:${port}`);
  const known = given ?? (isIP(host) === 0 ? undefined : [host]);
  const addresses = known === undefined ? await lookUp(host, signal) : known.map(literal);
  const wanted = addresses.filter(
    ({ family }) => settings.family === undefined || family === settings.family,
  );
  if (wanted.length === 0) {
    const { family } = settings;
    throw new PortholeError(
      "resolve",
      `${host} has no ${family === undefined ? "" : `IPv${family} `}address`,
      {
        hint: family === undefined ? undefined : `leave out -${family}`,
      },
    );
  }
  return interleave(wanted);
}

/** Exchangers that are tried; a zone may list more. */
const MOST_EXCHANGERS = 20;

/**
 * The hosts that take mail for a domain, best first (RFC 5321, 5.1): its MX records by preference, those of one
 * preference in any order, or the domain itself where there are none.
 * @throws PortholeError `resolve`; `refused` for a domain that takes no mail (RFC 7505)
 */
export async function resolveMailHosts(
  domain: string,
  settings: NetworkSettings,
  signal: AbortSignal,
): Promise<string[]> {
  const { promises } = await import("node:dns");
  const resolver = new promises.Resolver({ timeout: 5000, tries: 2 });
  if (settings.nameServers !== undefined) useServers(resolver, settings.nameServers);
  const stop = () => resolver.cancel();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const found = await resolver.resolveMx(domain);
    if (found.length === 1 && found[0]?.exchange === "") {
      throw new PortholeError("refused", `${domain} takes no mail: its MX record says so`);
    }
    return found
      .map((record) => ({ ...record, dice: Math.random() }))
      .sort((one, other) => one.priority - other.priority || one.dice - other.dice)
      .map(({ exchange }) => exchange)
      .filter((name) => name !== "")
      .slice(0, MOST_EXCHANGERS);
  } catch (thrown) {
    if (signal.aborted) throw abortReason(signal);
    if (thrown instanceof PortholeError) throw thrown;
    // No such record: the domain's own address stands in. No such name: that will show when it is looked up.
    const code = systemCode(thrown);
    if (code === "ENODATA" || code === "ENOTFOUND") return [domain];
    throw new PortholeError("resolve", `the mail exchangers of ${domain} could not be looked up`, {
      hint: "is there a network, and does its name server answer?",
      cause: thrown,
    });
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function useServers(
  resolver: { setServers(servers: readonly string[]): void },
  servers: readonly string[],
): void {
  try {
    resolver.setServers(servers);
  } catch (thrown) {
    throw new PortholeError("usage", `'${servers.join(", ")}' are no name servers' addresses`, {
      hint: "--name-server takes ADDRESS or ADDRESS:PORT",
      cause: thrown,
    });
  }
}

function literal(text: string): Address {
  const family = isIP(text);
  if (family !== 4 && family !== 6) {
    throw new PortholeError("usage", `'${text}' is not an IP address`, {
      hint: "--resolve takes HOST:PORT:ADDRESS",
    });
  }
  return { address: text, family };
}

async function lookUp(host: string, signal: AbortSignal): Promise<Address[]> {
  const { lookup } = await import("node:dns");
  return new Promise((resolve, reject) => {
    const aborted = () => reject(abortReason(signal));
    signal.addEventListener("abort", aborted, { once: true });
    lookup(host, { all: true, verbatim: true }, (error, found) => {
      signal.removeEventListener("abort", aborted);
      if (error) reject(resolveError(error, host));
      else resolve(found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 })));
    });
    if (signal.aborted) aborted();
  });
}

function resolveError(error: Error, host: string): PortholeError {
  const code = systemCode(error);
  if (code === "ENOTFOUND" || code === "ENODATA") {
    return new PortholeError("resolve", `no host is named '${host}'`, {
      hint: "check the spelling",
      cause: error,
    });
  }
  if (code === "EAI_AGAIN") {
    return new PortholeError("resolve", `the name '${host}' could not be looked up now`, {
      hint: "is there a network, and does its name server answer?",
      cause: error,
    });
  }
  return new PortholeError("resolve", `looking up '${host}' failed: ${messageOf(error)}`, { cause: error });
}

/** The families in turn, beginning with the resolver's first choice (RFC 8305, 4). */
export function interleave(addresses: readonly Address[]): Address[] {
  const first = addresses[0]?.family;
  const same = addresses.filter(({ family }) => family === first);
  const other = addresses.filter(({ family }) => family !== first);
  const mixed: Address[] = [];
  for (let index = 0; index < Math.max(same.length, other.length); index++) {
    for (const list of [same, other]) {
      const address = list[index];
      if (address !== undefined) mixed.push(address);
    }
  }
  return mixed;
}
