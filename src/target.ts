/** From what a person types to a Target: short forms, accounts, the scheme's row in the registry. */
import { PortholeError } from "./errors.js";
import type { Target, UsualServer } from "./plugin.js";
import type { Registry } from "./registry.js";
import { withPlainAddress } from "./service-names.js";
import { nearest } from "./spelling.js";
import {
  encodeOctets,
  formatUrl,
  type PortholeUrl,
  parseUrl,
  refuseControls,
  withoutPassword,
} from "./url.js";

/** The URL that an account of the configuration stands for, or undefined when there is no such account. */
export type AccountUrl = (name: string) => string | undefined;

/** What users have set as the usual server of a protocol, or undefined when they have not. */
export type UsualServerLookup = (protocol: string, usual: UsualServer) => string | undefined;

/**
 * @param text a URL, or one of the short forms: `example.org/x`, `localhost:8080`, `:8080/x`, `@account/path`, `./file`, `/file`
 * @throws PortholeError `usage` when it is no URL or its scheme is not known
 */
export function resolveTarget(
  text: string,
  registry: Registry,
  accountUrl: AccountUrl = () => undefined,
  usualServer: UsualServerLookup = () => undefined,
): Target {
  const url = parseUrl(withNumbers(expand(text, registry, accountUrl), registry));
  const row = registry.forScheme(url.scheme);
  if (row === undefined) throw unknownScheme(url.scheme, formatUrl(url), registry);
  const usual = row.scheme.usualServer;
  if (usual !== undefined && url.host === "") {
    return resolveTarget(atUsualServer(url, usual, usualServer(row.manifest.name, usual)), registry);
  }
  const address = row.scheme.address ?? "host";
  if (url.host === "" && (address === "host" || (address === "socket" && url.port === undefined))) {
    throw new PortholeError("usage", `'${withoutPassword(text)}' names no host`, {
      protocol: row.manifest.name,
      url: formatUrl(url),
      hint: `write ${url.scheme}://HOST/`,
    });
  }
  return {
    url,
    protocol: row.manifest.name,
    tls: row.scheme.tls,
    host: url.host,
    port: url.port ?? row.scheme.port ?? 0,
    path: url.path,
    href: hrefs(url, row.scheme.port),
  };
}

/** RFC 5538, 4: `news:comp.lang.c` is at whatever server its reader uses. */
function atUsualServer(url: PortholeUrl, usual: UsualServer, server: string | undefined): string {
  if (server === undefined || server === "") {
    throw new PortholeError("usage", `${formatUrl(url)} names no host, and no usual server is set`, {
      url: formatUrl(url),
      hint: `--${usual.option} HOST, ${usual.option} in the configuration or ${usual.environment} in the environment sets it`,
    });
  }
  const base = parseUrl(server.includes("://") ? server : `${url.scheme}://${server}`);
  if (base.host === "") {
    throw new PortholeError("usage", `the usual server '${withoutPassword(server)}' is no host`, {
      hint: `--${usual.option} HOST sets another`,
    });
  }
  return formatUrl({ ...base, path: `/${url.path.replace(/^\/+/, "")}` }, { withPassword: true });
}

/** Names of services are for sockets alone: a protocol's own port need not be written. */
function withNumbers(text: string, registry: Registry): string {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase() ?? "";
  return registry.forScheme(scheme)?.scheme.address === "socket" ? withPlainAddress(text) : text;
}

/** URLs of paths at one place: what stands before them is written once. */
function hrefs(url: PortholeUrl, defaultPort: number | undefined): (path: string) => string {
  const hrefOf = (path: string) =>
    formatUrl({ ...url, password: undefined, fragment: undefined, path }, { defaultPort });
  const before = url.host === "" ? undefined : hrefOf("");
  return (path) => (before !== undefined && path.startsWith("/") ? before + path : hrefOf(path));
}

function expand(text: string, registry: Registry, accountUrl: AccountUrl): string {
  if (text === "") throw new PortholeError("usage", "the URL is empty");
  refuseControls(text, "the URL");
  if (/^(?:[/~]|\.{1,2}(?:\/|$))/.test(text)) {
    // Two slashes at the front would begin an authority.
    return `file:${encodeOctets(Buffer.from(text.replace(/^\/+/, "/"), "utf8"), "/")}`;
  }
  if (text.startsWith("@")) return expandAccount(text, accountUrl);
  if (/^:\d+(?:[/?#]|$)/.test(text)) return `http://localhost${text}`;
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && (text.startsWith("//", scheme.length + 1) || registry.forScheme(scheme)))
    return text;
  // `host:8080/x`: what stands before the colon is no scheme, and digits follow it.
  if (scheme !== undefined && !/^[^:/?#]+:\d+(?:[/?#]|$)/.test(text))
    throw unknownScheme(scheme, withoutPassword(text), registry);
  // Only what certainly is this machine may go without TLS: `127.example.org` is not.
  const own = /^(?:[^/?#]*@)?(?:localhost|127(?:\.\d+){3}|\[::1\])(?:[:/?#]|$)/i.test(text);
  return `${own ? "http" : "https"}://${text}`;
}

function expandAccount(text: string, accountUrl: AccountUrl): string {
  const [, name = "", rest = ""] = /^@([^/?]*)(.*)$/s.exec(text) ?? [];
  const base = accountUrl(name);
  if (base === undefined) {
    throw new PortholeError("usage", `there is no account '${name}' in the configuration`, {
      hint: "`porthole config` shows the file and the accounts in it",
    });
  }
  return rest === "" || rest === "/" ? base : `${base.replace(/\/+$/, "")}${rest}`;
}

/** @param shown the URL as messages may show it */
function unknownScheme(scheme: string, shown: string, registry: Registry): PortholeError {
  const guess = nearest(scheme, registry.schemes);
  return new PortholeError("usage", `unknown scheme '${scheme}:'`, {
    url: shown,
    hint: guess === undefined ? "`porthole protocols` lists those there are" : `did you mean ${guess}:?`,
  });
}
