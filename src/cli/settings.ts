/** From options to what the network, the policy and the credentials are told. */
import { domainToASCII } from "node:url";
import { PortholeError } from "../errors.js";
import type { NetworkSettings, ProxySettings, TlsSettings } from "../net/settings.js";
import type { Options, Policy } from "../plugin.js";
import { parseSize } from "../text/units.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws PortholeError `usage` for what an option cannot mean */
export function networkSettings(options: Options, environment: Environment): Partial<NetworkSettings> {
  if (options["ipv4"] === true && options["ipv6"] === true) {
    throw new PortholeError("usage", "-4 and -6 leave no address to connect to");
  }
  const seconds = (flag: string) => {
    const value = options[flag];
    return typeof value === "number" ? milliseconds(value) : undefined;
  };
  return without({
    tls: tlsSettings(options, environment),
    proxy: proxySettings(options, environment),
    family: options["ipv4"] === true ? 4 : options["ipv6"] === true ? 6 : undefined,
    resolve: resolveTable(options["resolve"]),
    nameServers: Array.isArray(options["name-server"]) ? options["name-server"].map(String) : undefined,
    localAddress: text(options["interface"]),
    unixSocket: text(options["unix-socket"]),
    connectTimeout: seconds("connect-timeout"),
    idleTimeout: seconds("timeout"),
    rateLimit:
      typeof options["limit-rate"] === "string"
        ? parseSize(options["limit-rate"], "--limit-rate")
        : undefined,
  });
}

/** What Node's timers can count to; more would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Seconds as a timer takes them. */
export function milliseconds(seconds: number): number {
  return Math.min(LONGEST_TIMER, Math.ceil(seconds * 1000));
}

function tlsSettings(options: Options, environment: Environment): TlsSettings {
  const least = text(options["tls-min"]);
  return without({
    insecure: options["insecure"] === true ? true : undefined,
    caFile: text(options["cacert"]),
    certFile: text(options["cert"]),
    keyFile: text(options["key"]),
    minVersion: least === undefined ? undefined : TLS_VERSIONS[least],
    servername: text(options["sni"]),
    keyLogFile: environment["SSLKEYLOGFILE"] || undefined,
  });
}

const TLS_VERSIONS: Readonly<Record<string, NonNullable<TlsSettings["minVersion"]>>> = {
  "1.0": "TLSv1",
  "1.1": "TLSv1.1",
  "1.2": "TLSv1.2",
  "1.3": "TLSv1.3",
};

function proxySettings(options: Options, environment: Environment): ProxySettings {
  const login = text(options["proxy-auth"])?.toLowerCase();
  return without({
    url: text(options["proxy"]),
    exempt: text(options["noproxy"]),
    login: login === "basic" || login === "digest" ? login : undefined,
    environment,
  });
}

/** `--resolve HOST:PORT:ADDR[,ADDR...]`, as curl takes it. */
function resolveTable(given: Options[string]): ReadonlyMap<string, readonly string[]> | undefined {
  if (!Array.isArray(given)) return undefined;
  return new Map(
    given.map((line: string) => {
      const parts = /^\+?([^:]+|\[[^\]]+\]):(\d+):(.+)$/.exec(line);
      if (parts === null) {
        throw new PortholeError("usage", `--resolve cannot read '${line}'`, {
          hint: "write HOST:PORT:ADDRESS",
        });
      }
      const addresses = (parts[3] ?? "").split(",").map((address) => address.replace(/^\[|\]$/g, ""));
      return [`${asciiHost(parts[1] ?? "")}:${parts[2]}`, addresses];
    }),
  );
}

/** As URLs have it: a name with letters beyond ASCII may be typed as it is read. */
function asciiHost(typed: string): string {
  return /^[\x21-\x7e]+$/.test(typed) ? typed.toLowerCase() : domainToASCII(typed);
}

export function policySettings(options: Options): Partial<Policy> {
  const starttls = options["starttls"];
  return without({
    starttls: starttls === "auto" || starttls === "require" || starttls === "never" ? starttls : undefined,
    allowPlaintextAuth: options["allow-plaintext-auth"] === true ? true : undefined,
    authMechanism: text(options["auth"])?.toUpperCase(),
    retries: typeof options["retry"] === "number" ? options["retry"] : undefined,
    jobs: typeof options["jobs"] === "number" ? Math.max(1, Math.floor(options["jobs"])) : undefined,
  });
}

function text(value: Options[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}

type Without<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The same object without what is undefined: an absent setting keeps its default. */
function without<T extends object>(facts: T): Without<T> {
  const kept: Without<T> = {};
  for (const key in facts) {
    const value = facts[key];
    if (isGiven(value)) kept[key] = value;
  }
  return kept;
}

function isGiven<T>(value: T): value is Exclude<T, undefined> {
  return value !== undefined;
}
