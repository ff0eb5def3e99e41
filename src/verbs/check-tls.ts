/** What TLS said, for people and scripts, and what is weak about it. */
import type { JsonObject, Weakness } from "../plugin.js";
import type { CheckLimits, Connected } from "./check.js";

type TlsFacts = NonNullable<Connected["facts"]["tls"]>;

const WARN_DAYS = 21;
const CRITICAL_DAYS = 7;

/** Versions that must not be negotiated any more (RFC 8996). */
const OLD_VERSIONS: readonly string[] = ["1", "1.0", "1.1"];

export function tlsJson(facts: TlsFacts): JsonObject {
  const [leaf] = facts.chain;
  return {
    version: facts.version,
    cipher: facts.cipher,
    alpn: facts.alpn,
    authorized: facts.authorized,
    problem: facts.problem,
    name: facts.servername,
    daysLeft: leaf?.daysLeft,
    subject: leaf?.subject,
    issuer: leaf?.issuer,
    chain: facts.chain.map(({ der: _der, ...certificate }) => certificate),
  };
}

export function certificateWords(facts: TlsFacts): string {
  const [leaf] = facts.chain;
  const agreed = `TLS ${facts.version}, ${facts.cipher}`;
  if (leaf === undefined) return agreed;
  const left = leaf.daysLeft < 0 ? `expired ${-leaf.daysLeft} days ago` : `${leaf.daysLeft} days left`;
  return `${agreed}, ${leaf.subject}, by ${leaf.issuer}, ${left}`;
}

export function tlsWeaknesses(facts: TlsFacts, limits: CheckLimits): Weakness[] {
  const found: Weakness[] = [];
  const daysLeft = facts.chain[0]?.daysLeft;
  if (daysLeft !== undefined && !Number.isNaN(daysLeft)) {
    const critical = daysLeft < (limits.criticalDays ?? CRITICAL_DAYS);
    if (critical || daysLeft < (limits.warnDays ?? WARN_DAYS)) {
      found.push({
        what: daysLeft < 0 ? "the certificate has expired" : `the certificate expires in ${daysLeft} days`,
        hint: "renew it, and let the server load the new one",
        grade: critical ? "critical" : "warning",
      });
    }
  }
  if (!facts.authorized) {
    found.push({
      what: `the certificate is not to be trusted (${facts.problem ?? "unknown reason"})`,
      hint: "get one of an authority that clients know, for the name they use",
      grade: "critical",
    });
  }
  if (OLD_VERSIONS.includes(facts.version)) {
    found.push({
      what: `TLS ${facts.version} is out of use (RFC 8996)`,
      hint: "let the server speak TLS 1.2 and 1.3",
      grade: "critical",
    });
  }
  return found;
}
