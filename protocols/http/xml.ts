/** XML that a server sent, as a tree: no entities but the five, no DOCTYPE, bounded in size and depth. */
import { PortholeError } from "../../src/errors.js";

export interface XmlElement {
  /** Without its namespace's prefix. */
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** What stands directly in it, entities undone. */
  readonly text: string;
}

/** Octets. */
const LONGEST_XML = 32 * 1024 * 1024;
const DEEPEST = 100;

/** @throws PortholeError `protocol` for what is no XML, has a DOCTYPE, or is too large or too deep */
export async function parseXml(octets: Buffer): Promise<XmlElement> {
  if (octets.length > LONGEST_XML) throw improper(`it has more than ${LONGEST_XML} octets`);
  const text = decodedXml(octets);
  // What entities could do to a reader (expand without end, fetch files) begins here.
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text.replace(/<!\[CDATA\[[\s\S]*?\]\]>/g, ""))) {
    throw improper("it has a DOCTYPE, which is not read");
  }
  const { XMLParser, XMLValidator } = await import("fast-xml-parser");
  let found: unknown;
  try {
    const verdict = XMLValidator.validate(text);
    if (verdict !== true) throw improper(`${verdict.err.msg} (line ${verdict.err.line})`);
    const parser = new XMLParser({
      preserveOrder: true,
      ignoreAttributes: true,
      ignoreDeclaration: true,
      ignorePiTags: true,
      processEntities: false,
      trimValues: false,
      parseTagValue: false,
      removeNSPrefix: true,
      cdataPropName: CDATA,
      maxNestedTags: DEEPEST,
    });
    found = parser.parse(text);
  } catch (thrown) {
    if (thrown instanceof PortholeError) throw thrown;
    throw improper(thrown instanceof Error ? thrown.message : String(thrown));
  }
  const [root] = elementsIn(found);
  if (root === undefined) throw improper("it has no element");
  return root;
}

const CDATA = "#cdata";
const TEXT = "#text";

/** The parser gives a list of objects, each with the element's name as its key and a list as its value. */
function elementsIn(list: unknown): XmlElement[] {
  return nodesOf(list).flatMap(([name, content]) =>
    name === TEXT || name === CDATA ? [] : [{ name, children: elementsIn(content), text: textIn(content) }],
  );
}

function textIn(list: unknown): string {
  return nodesOf(list)
    .map(([name, content]) => {
      if (name === TEXT) return typeof content === "string" ? unescaped(content) : "";
      if (name !== CDATA) return "";
      return nodesOf(content)
        .map(([, text]) => (typeof text === "string" ? text : ""))
        .join("");
    })
    .join("");
}

function nodesOf(list: unknown): (readonly [string, unknown])[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((node: unknown) => {
    if (typeof node !== "object" || node === null) return [];
    const [entry] = Object.entries(node);
    return entry === undefined ? [] : [entry];
  });
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** An entity that is none of the five stays as it stands. */
function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(\w{1,8}));/g, (all, decimal, hex, name) => {
    if (typeof name === "string") return Object.hasOwn(ENTITIES, name) ? (ENTITIES[name] ?? all) : all;
    const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal);
    return code > 0x10ffff ? all : String.fromCodePoint(code);
  });
}

/** @param text is made fit to stand in an element */
export function escapeXml(text: string): string {
  return text
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;")
    .replace(/\r/g, "&#13;");
}

/** XML 1.0, appendix F: a byte order mark, the declaration, or UTF-8. */
function decodedXml(octets: Buffer): string {
  const [first, second] = octets;
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(octets);
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(octets);
  const declared = /^[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})/.exec(
    octets.subarray(0, 300).toString("latin1"),
  )?.[1];
  try {
    return new TextDecoder(declared ?? "utf-8", { fatal: true }).decode(octets).replace(/^\uFEFF/, "");
  } catch {
    throw improper(`its text is not ${declared ?? "UTF-8"}`);
  }
}

export function childNamed(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

export function childrenNamed(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

function improper(why: string): PortholeError {
  return new PortholeError("protocol", `the answer's XML cannot be read: ${why}`);
}
