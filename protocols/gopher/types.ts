/** Item types: RFC 1436, 3.8, Gopher+'s, and those that came into use later. */

import { mediaTypeOf as mediaTypeOfFile } from "../../src/files/media-type.js";
import type { EntryKind } from "../../src/plugin.js";

/** How an item of a type is fetched. */
export type Transfer =
  /** A menu, ended by a lone dot or the end of the connection. */
  | "menu"
  /** Text, ended the same way. */
  | "text"
  /** Octets up to the end of the connection: in them a dot has no meaning. */
  | "octets"
  /** By the dialogue of CSO name servers. */
  | "phonebook"
  /** By another protocol. */
  | "elsewhere";

export interface ItemType {
  /** As people know it. */
  readonly title: string;
  readonly kind: EntryKind;
  readonly transfer: Transfer;
  /** Absent: the selector's extension tells. */
  readonly media?: string;
  /** What is known when the extension tells nothing: `image`, of which kind is not said. */
  readonly family?: "image" | "audio" | "video";
}

export const MENU_MEDIA_TYPE = "application/gopher-menu";

const ITEM_TYPES: Readonly<Record<string, ItemType>> = {
  "0": { title: "text", kind: "file", transfer: "text", media: "text/plain" },
  "1": { title: "menu", kind: "menu", transfer: "menu", media: MENU_MEDIA_TYPE },
  "2": { title: "CSO phone book", kind: "search", transfer: "phonebook" },
  "3": { title: "error", kind: "note", transfer: "text", media: "text/plain" },
  "4": { title: "BinHex file", kind: "file", transfer: "text", media: "application/mac-binhex40" },
  "5": { title: "archive", kind: "file", transfer: "octets" },
  "6": { title: "uuencoded file", kind: "file", transfer: "text", media: "text/x-uuencode" },
  "7": { title: "search", kind: "search", transfer: "menu", media: MENU_MEDIA_TYPE },
  "8": { title: "Telnet session", kind: "session", transfer: "elsewhere" },
  "9": { title: "binary file", kind: "file", transfer: "octets" },
  T: { title: "TN3270 session", kind: "session", transfer: "elsewhere" },
  g: { title: "GIF image", kind: "file", transfer: "octets", media: "image/gif" },
  I: { title: "image", kind: "file", transfer: "octets", family: "image" },
  // Gopher+: bitmap, movie, sound.
  ":": { title: "image", kind: "file", transfer: "octets", family: "image" },
  ";": { title: "video", kind: "file", transfer: "octets", family: "video" },
  "<": { title: "sound", kind: "file", transfer: "octets", family: "audio" },
  // In use beside the RFC.
  c: { title: "calendar", kind: "file", transfer: "octets", media: "text/calendar" },
  d: { title: "document", kind: "file", transfer: "octets" },
  h: { title: "HTML page", kind: "page", transfer: "octets", media: "text/html" },
  i: { title: "note", kind: "note", transfer: "text", media: "text/plain" },
  M: { title: "MIME message", kind: "file", transfer: "octets", media: "message/rfc822" },
  p: { title: "PNG image", kind: "file", transfer: "octets", media: "image/png" },
  P: { title: "PDF document", kind: "file", transfer: "octets", media: "application/pdf" },
  r: { title: "RTF document", kind: "file", transfer: "octets", media: "application/rtf" },
  s: { title: "sound", kind: "file", transfer: "octets", family: "audio" },
  x: { title: "XML document", kind: "file", transfer: "octets", media: "application/xml" },
  X: { title: "XML document", kind: "file", transfer: "octets", media: "application/xml" },
};

/** What is not known here can be fetched all the same, octet for octet. */
const UNKNOWN: ItemType = { title: "file", kind: "file", transfer: "octets" };

export function itemType(type: string): ItemType {
  return Object.hasOwn(ITEM_TYPES, type) ? (ITEM_TYPES[type] ?? UNKNOWN) : UNKNOWN;
}

/** By the item type where it says enough, otherwise by the selector's extension; `image/*` where only so much is known. */
export function mediaTypeOf(type: string, selector: string): string {
  const { media, family } = itemType(type);
  return (
    media ?? mediaTypeOfFile(selector) ?? (family === undefined ? "application/octet-stream" : `${family}/*`)
  );
}
