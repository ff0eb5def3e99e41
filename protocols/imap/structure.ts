/** BODYSTRUCTURE (RFC 9051, 7.5.2): the parts of a message, without reading it. */
import { extensionOf } from "../../src/files/media-type.js";
import { Header } from "../../src/message/headers.js";
import { partFileName } from "../../src/message/parameters.js";
import { safeFileName } from "../../src/text/filename.js";
import { listOf, numberOf, textOf, type Value } from "./values.js";

export interface PartFacts {
  /** `1`, `2.1`. */
  readonly section: string;
  /** Lower case: `image/png`. */
  readonly type: string;
  readonly charset: string | undefined;
  readonly filename: string;
  readonly attached: boolean;
  /** Content-Transfer-Encoding, lower case. */
  readonly encoding: string;
  /** Octets as they stand in the message, encoded. */
  readonly encodedSize: number | undefined;
}

/** Parts that are told of. */
const MOST_PARTS = 10_000;

/** Every part that is no multipart, in order. */
export async function partsOf(structure: Value | undefined): Promise<PartFacts[]> {
  const parts: PartFacts[] = [];
  const waiting: { value: readonly Value[]; section: string; root: boolean }[] = [
    { value: listOf(structure), section: "", root: true },
  ];
  for (let next = waiting.pop(); next !== undefined && parts.length < MOST_PARTS; next = waiting.pop()) {
    const { value, section, root } = next;
    if (Array.isArray(value[0])) {
      const children = value.slice(
        0,
        value.findIndex((child) => !Array.isArray(child)),
      );
      const named = children.map((child, at) => ({
        value: listOf(child),
        section: section === "" ? `${at + 1}` : `${section}.${at + 1}`,
        root: false,
      }));
      waiting.push(...named.reverse());
      continue;
    }
    // A message that is no multipart, whole or within another, has its text as part 1.
    const own = root ? (section === "" ? "1" : `${section}.1`) : section;
    const type = `${textOf(value[0]) ?? "text"}/${textOf(value[1]) ?? "plain"}`.toLowerCase();
    if (type === "message/rfc822" && Array.isArray(value[8])) {
      waiting.push({ value: listOf(value[8]), section: own, root: true });
      continue;
    }
    parts.push(await factsOf(value, own, type));
  }
  return parts;
}

async function factsOf(value: readonly Value[], section: string, type: string): Promise<PartFacts> {
  const parameters = listOf(value[2]);
  // `... [lines] md5 (disposition (parameters)) ...`: the lines stand there for text alone.
  const [disposition, written] = listOf(value[type.startsWith("text/") ? 9 : 8]);
  const disposed = (textOf(disposition) ?? "").toLowerCase();
  const header = new Header([
    { name: "Content-Type", raw: `${type}${fieldOf(parameters)}` },
    { name: "Content-Disposition", raw: `${disposed || "inline"}${fieldOf(listOf(written))}` },
  ]);
  const proposed = (await partFileName(header))?.split(/[/\\]/).at(-1) ?? "";
  const fallback = `part-${section}${extensionOf(type)}`;
  return {
    section,
    type,
    charset: parameterOf(parameters, "charset"),
    filename: proposed === "" ? fallback : safeFileName(proposed, { fallback }),
    attached: disposed === "attachment" || !/^text\/(?:plain|html)$/.test(type),
    encoding: (textOf(value[5]) ?? "7bit").toLowerCase(),
    encodedSize: numberOf(value[6]),
  };
}

function fieldOf(parameters: readonly Value[]): string {
  let field = "";
  for (let at = 0; at + 1 < parameters.length; at += 2) {
    const name = textOf(parameters[at]) ?? "";
    const value = (textOf(parameters[at + 1]) ?? "").replace(/["\\]/g, "\\$&");
    // In the extended form a value stands without quotes (RFC 2231, 4).
    field += name.endsWith("*") ? `; ${name}=${value}` : `; ${name}="${value}"`;
  }
  return field;
}

function parameterOf(parameters: readonly Value[], wanted: string): string | undefined {
  const at = parameters.findIndex((name, index) => index % 2 === 0 && textOf(name)?.toLowerCase() === wanted);
  return at < 0 ? undefined : textOf(parameters[at + 1]);
}
