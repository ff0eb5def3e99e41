/** Hosts and ports in the forms that socket programs take besides: `host:http`, `<broadcast>`. */
import { readFileSync } from "node:fs";
import { PortholeError } from "./errors.js";

/** RFC 919, 7: all hosts of this network. */
const BROADCAST = "255.255.255.255";

/** Known without /etc/services (IANA's registry of service names). */
const SERVICES: Readonly<Record<string, number>> = {
  echo: 7,
  discard: 9,
  daytime: 13,
  chargen: 19,
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  time: 37,
  domain: 53,
  gopher: 70,
  finger: 79,
  http: 80,
  pop3: 110,
  nntp: 119,
  ntp: 123,
  imap: 143,
  snmp: 161,
  irc: 194,
  https: 443,
  submissions: 465,
  syslog: 514,
  submission: 587,
  imaps: 993,
  pop3s: 995,
};

/**
 * `tcp://host:http` with the service's number, `udp://<broadcast>:9` with the address it stands for.
 * @param url of a scheme whose address is a socket
 * @throws PortholeError `usage` when no service has the name
 */
export function withPlainAddress(url: string): string {
  const [, before, host = "", port, rest = ""] =
    /^([a-z][a-z0-9+.-]*:\/\/)([^/]*?)(?::([A-Za-z][\w-]*))?(\/.*)?$/is.exec(url) ?? [];
  if (before === undefined) return url;
  const place = host.replace(/^<broadcast>/i, BROADCAST);
  return `${before}${place}${port === undefined ? "" : `:${servicePort(port)}`}${rest}`;
}

function servicePort(name: string): number {
  const lower = name.toLowerCase();
  const known = Object.hasOwn(SERVICES, lower) ? SERVICES[lower] : systemServices().get(lower);
  if (known !== undefined) return known;
  throw new PortholeError("usage", `no service is named '${name}'`, { hint: "give the port's number" });
}

/** What services(5) lists. A name has the same number over TCP and UDP, or is used over one of them alone. */
function systemServices(): Map<string, number> {
  const services = new Map<string, number>();
  for (const line of servicesText().split("\n")) {
    const [name, place = "", ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    const port = Number(place.split("/")[0]);
    if (name === undefined || !(port > 0)) continue;
    for (const each of [name, ...aliases]) {
      if (!services.has(each.toLowerCase())) services.set(each.toLowerCase(), port);
    }
  }
  return services;
}

function servicesText(): string {
  try {
    return readFileSync("/etc/services", "utf8");
  } catch {
    return "";
  }
}
