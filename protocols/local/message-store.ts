/** What a place that keeps messages must be able to do; MessageSession makes a Session of it. */
import type { Entry, EntryKind, Source } from "../../src/plugin.js";
import type { Watched } from "./changes.js";
import type { LocalPath } from "./path.js";

/** A message that was found and is open: `release` it. */
export interface OpenMessage {
  readonly entry: Entry;
  /** Octets in all, as they will be given. */
  readonly size: number | undefined;
  readonly validator: string;
  /** The message, octet for octet, from an octet on. Once. */
  octets(from: number): AsyncIterable<Uint8Array>;
  release(): Promise<void>;
}

export interface StoreListing {
  readonly recursive?: boolean;
  /** For the names of all of them. */
  readonly prefix?: string;
  /** Headers need not be read. */
  readonly brief?: boolean;
}

export interface MessageStore {
  /** From the path alone. */
  kindOf(place: LocalPath): EntryKind | undefined;
  isMessage(place: LocalPath): Promise<boolean>;
  /** Mailboxes within, then messages in the order they came. */
  list(place: LocalPath, ways: StoreListing): AsyncIterable<Entry>;
  stat(place: LocalPath): Promise<Entry>;
  /** @throws PortholeError `missing` */
  open(place: LocalPath): Promise<OpenMessage>;
  write(place: LocalPath, source: Source): Promise<Entry>;
  remove(place: LocalPath, recursive: boolean): Promise<void>;
  move(from: LocalPath, to: LocalPath, replace: boolean): Promise<Entry>;
  makeFolder(place: LocalPath): Promise<Entry>;
  /** Whether this is an account: its INBOX's messages, with its mailboxes beneath. */
  isInbox?(place: LocalPath): Promise<boolean>;
  /** Absent where flags cannot be changed without writing the message anew. */
  mark?(place: LocalPath, flags: readonly string[]): Promise<Entry>;
  watched(place: LocalPath): Promise<Watched>;
}

export const MESSAGE_TYPE = "message/rfc822";
