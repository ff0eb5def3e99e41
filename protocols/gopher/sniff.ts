/** What a document is by its first octets: menus say what their authors believed. */

const MAGIC: readonly (readonly [string, string])[] = [
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["GIF87a", "image/gif"],
  ["GIF89a", "image/gif"],
  ["\xff\xd8\xff", "image/jpeg"],
  ["BM", "image/bmp"],
  ["%PDF-", "application/pdf"],
  ["PK\x03\x04", "application/zip"],
  ["\x1f\x8b", "application/gzip"],
  ["BZh", "application/x-bzip2"],
  ["\xfd7zXZ\x00", "application/x-xz"],
  ["7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"],
  ["OggS", "application/ogg"],
  ["fLaC", "audio/flac"],
  ["ID3", "audio/mpeg"],
  ["MThd", "audio/midi"],
  ["\x7fELF", "application/x-executable"],
];
const SNIFFED = 512;

/**
 * The media type that the octets have.
 * @param told by the item type and the selector
 */
export function sniffedType(beginning: Buffer, told: string): string {
  // What is only known to be an image is octets until they say which.
  const claimed = told.endsWith("/*") ? "application/octet-stream" : told;
  const head = beginning.toString("latin1", 0, SNIFFED);
  const isText = !head.includes("\0");
  if (claimed.startsWith("text/") || claimed === "application/octet-stream") {
    // BMP's two letters begin many a text.
    const known = MAGIC.find(([magic]) => head.startsWith(magic) && (magic.length > 2 || !isText));
    if (known !== undefined) return known[1];
    if (/^RIFF....WEBP/s.test(head)) return "image/webp";
    if (/^RIFF....WAVE/s.test(head)) return "audio/wav";
    if (claimed.startsWith("text/") && !isText) return "application/octet-stream";
  }
  if (claimed === "text/plain" && /^\s*(?:<!doctype html|<html[\s>])/i.test(head)) return "text/html";
  return claimed;
}
