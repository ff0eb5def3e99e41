/** Header values as text. On the wire they are octets, whatever RFC 9110, 5.5 wishes. */

/** @param value as engines give it, each character one octet. UTF-8 where the octets are that, else Latin-1. */
export function headerText(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(value, "latin1"));
  } catch {
    return value;
  }
}

/** The other way: text as it goes out, in UTF-8, each character one octet. */
export function headerOctets(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
