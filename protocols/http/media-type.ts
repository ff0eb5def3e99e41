/** Content-Type (RFC 9110, 8.3) and Content-Disposition (RFC 6266, RFC 8187), read as servers write them. */
import { headerText } from "./header-text.js";

export interface MediaType {
  /** Lower case, without parameters. */
  readonly type: string;
  readonly charset?: string;
}

export function parseMediaType(value: string | undefined): MediaType {
  const type = value?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(type)) return { type: "application/octet-stream" };
  const charset = value?.includes(";") === true ? parameters(value).get("charset") : undefined;
  return charset === undefined || charset === "" ? { type } : { type, charset: charset.toLowerCase() };
}

export function isHtml(type: string): boolean {
  return type === "text/html" || type === "application/xhtml+xml";
}

/** The file name that a Content-Disposition proposes: as it stands there, not yet safe. */
export function proposedName(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const given = parameters(headerText(value));
  const extended = given.get("filename*");
  return (extended === undefined ? undefined : decodeExtended(extended)) ?? given.get("filename");
}

/** Parameter names in lower case; of two with one name the first counts. */
function parameters(value: string): Map<string, string> {
  const found = new Map<string, string>();
  const pattern = /;\s*([\w!#$&+.^`|~*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g;
  for (const [, name = "", quoted, bare] of value.matchAll(pattern)) {
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, quoted?.replace(/\\(.)/g, "$1") ?? bare?.trim() ?? "");
  }
  return found;
}

/** RFC 8187: charset'language'percent-encoded. */
function decodeExtended(text: string): string | undefined {
  const parts = /^(utf-8|iso-8859-1)'[^']*'(.*)$/i.exec(text);
  if (parts === null) return undefined;
  const [, charset = "", encoded = ""] = parts;
  try {
    if (charset.toLowerCase() === "utf-8") return decodeURIComponent(encoded);
    return encoded.replace(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  } catch {
    return undefined;
  }
}
