/** Options of other programs: what is written here for them. */
import type { Registry } from "../registry.js";

/**
 * @param written as it stands on the line: `--body`, `-tls`
 * @returns the hint of the protocol that the line is about, by its name or the scheme of a URL
 */
export function otherName(written: string, argv: readonly string[], registry: Registry): string | undefined {
  const name = written.replace(/^-+/, "").split("=", 1)[0] ?? "";
  const [first = ""] = argv;
  const schemes = argv.flatMap((word) => /^([a-z][a-z0-9+.-]*):/i.exec(word)?.[1]?.toLowerCase() ?? []);
  for (const { name: protocol, title, schemes: own, otherNames = {} } of registry.manifests) {
    if (protocol !== first && !schemes.some((scheme) => Object.hasOwn(own, scheme))) continue;
    const here = Object.entries(otherNames).find(([, others]) => others.includes(name));
    if (here !== undefined) return `for ${title}: ${here[0]}`;
  }
  return undefined;
}
