/** robots.txt (RFC 9309): which paths a robot may ask for, and how often. */
import type { RobotRules } from "../../src/plugin.js";
import { encodeOctets } from "../../src/url.js";

/** RFC 9309, 2.5: at least so much must be read. */
const LONGEST = 512 * 1024;
/** Lines for one agent; more are no rules but an attack. */
const MOST_RULES = 10_000;

interface Rule {
  readonly allow: boolean;
  readonly pattern: string;
}

interface Group {
  readonly agents: string[];
  readonly rules: Rule[];
  delay?: number;
}

/** Nothing is forbidden: what a site without robots.txt means (RFC 9309, 2.3.1.3). */
export const ALL_ALLOWED: RobotRules = { allows: () => true, sitemaps: [] };
/** Everything is: what a site that cannot answer means (RFC 9309, 2.3.1.4). */
export const NONE_ALLOWED: RobotRules = { allows: () => false, sitemaps: [] };

/** @param agent the robot's product token: `porthole` */
export function parseRobots(text: string, agent: string): RobotRules {
  const groups: Group[] = [];
  const sitemaps: string[] = [];
  let open: Group | undefined;
  let inAgents = false;
  for (const line of text
    .slice(0, LONGEST)
    .replace(/^\ufeff/, "")
    .split(/\r\n|\r|\n/)) {
    const [, key = "", value = ""] = /^\s*([A-Za-z-]+)\s*:\s*(.*?)\s*$/.exec(line.replace(/#.*$/, "")) ?? [];
    switch (key.toLowerCase()) {
      case "user-agent":
        if (!inAgents || open === undefined) {
          open = { agents: [], rules: [] };
          groups.push(open);
        }
        inAgents = true;
        open.agents.push(value.toLowerCase());
        break;
      case "allow":
      case "disallow":
        inAgents = false;
        // An empty pattern forbids nothing (RFC 9309, 2.2.2).
        if (value === "" || open === undefined || open.rules.length >= MOST_RULES) break;
        open.rules.push({ allow: key.toLowerCase() === "allow", pattern: normal(value) });
        break;
      case "crawl-delay":
        inAgents = false;
        if (open !== undefined && /^\d{1,6}(?:\.\d{1,3})?$/.test(value)) open.delay = Number(value);
        break;
      case "sitemap":
        if (value !== "") sitemaps.push(value);
        break;
      default:
    }
  }
  const own = groups.filter(({ agents }) => agents.some((one) => isMeant(one, agent.toLowerCase())));
  const chosen = own.length > 0 ? own : groups.filter(({ agents }) => agents.includes("*"));
  const rules = chosen.flatMap((group) => group.rules);
  const delay = chosen.find((group) => group.delay !== undefined)?.delay;
  return {
    allows: (path) => isAllowed(rules, normal(path)),
    ...(delay === undefined ? {} : { delay }),
    sitemaps,
  };
}

/** RFC 9309, 2.2.1: the product token alone counts, whatever version stands behind it. */
function isMeant(written: string, agent: string): boolean {
  return /^[a-z_-]+/.exec(written)?.[0] === agent;
}

/** RFC 9309, 2.2.2: the longest pattern wins, and allow when two are as long. */
function isAllowed(rules: readonly Rule[], path: string): boolean {
  if (path.split("?", 1)[0] === "/robots.txt") return true;
  let best: Rule | undefined;
  for (const rule of rules) {
    if (!matches(rule.pattern, path)) continue;
    const more = best === undefined ? 1 : rule.pattern.length - best.pattern.length;
    if (more > 0 || (more === 0 && rule.allow)) best = rule;
  }
  return best?.allow ?? true;
}

/** `*` for any octets, `$` at the end for the end. The parts between stars are found one after the other, never again. */
function matches(pattern: string, path: string): boolean {
  const isWhole = pattern.endsWith("$");
  const parts = (isWhole ? pattern.slice(0, -1) : pattern).split("*");
  const [first = "", ...rest] = parts;
  if (!path.startsWith(first)) return false;
  let at = first.length;
  for (const [index, part] of rest.entries()) {
    const isLast = index === rest.length - 1;
    if (isLast && isWhole) return path.length - part.length >= at && path.endsWith(part);
    const found = path.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return !isWhole || at === path.length;
}

/** RFC 9309, 2.2.2: octets are the same however they are written, but for those that mean something. */
function normal(text: string): string {
  return text
    .replace(/[^\x21-\x7e]+/g, (odd) => encodeOctets(Buffer.from(odd, "utf8")))
    .replace(/%([0-9A-Fa-f]{2})/g, (all, hex: string) => {
      const char = String.fromCharCode(Number.parseInt(hex, 16));
      return /[A-Za-z0-9._~-]/.test(char) ? char : all.toUpperCase();
    });
}
