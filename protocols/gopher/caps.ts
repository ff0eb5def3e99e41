/** What a server says of itself in caps.txt, and to robots in robots.txt. */

const MOST_LINES = 1000;

/** `Key=Value` by key; undefined for what is no caps.txt: its first word is CAPS. */
export function parseCaps(text: string): Readonly<Record<string, string>> | undefined {
  const lines = text.split(/\r?\n|\r/).slice(0, MOST_LINES);
  if (!/^CAPS\b/.test(lines[0] ?? "")) return undefined;
  const found = new Map<string, string>();
  for (const line of lines) {
    const [, key, value = ""] = /^\s*([A-Za-z][\w.-]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined) found.set(key, value);
  }
  return Object.fromEntries(found);
}

/** Beginnings of selectors that robots keep away from, by the rules for all of them (RFC 9309, 2.2). */
export function parseRobots(text: string): string[] {
  const prefixes: string[] = [];
  let applies = false;
  let inGroup = false;
  for (const line of text.split(/\r?\n|\r/).slice(0, MOST_LINES)) {
    const [, word = "", value = ""] = /^\s*([A-Za-z-]+)\s*:\s*(.*?)\s*(?:#.*)?$/.exec(line) ?? [];
    const name = word.toLowerCase();
    if (name === "user-agent") {
      applies = (inGroup && applies) || value === "*";
      inGroup = true;
    } else if (name !== "") {
      inGroup = false;
      if (name === "disallow" && applies && value !== "") prefixes.push(value);
    }
  }
  return prefixes;
}

/** True when a robot may ask for it. */
export function isAllowed(selector: string, disallowed: readonly string[]): boolean {
  return !disallowed.some((prefix) => prefix === "/" || selector.startsWith(prefix));
}

/** Seconds between two requests that robots are asked for; undefined when they are not. */
export function delayIn(text: string): number | undefined {
  const delay = Number(/^\s*crawl-delay\s*:\s*(\d{1,6}(?:\.\d{1,3})?)/im.exec(text)?.[1] ?? 0);
  return delay > 0 ? delay : undefined;
}
