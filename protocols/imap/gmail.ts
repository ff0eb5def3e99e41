/** Gmail's labels (X-GM-EXT-1; Gmail's documentation of its IMAP extensions): what other servers have mailboxes for. */
import { PortholeError } from "../../src/errors.js";
import { decodeMailboxName, encodeModifiedUtf7 } from "./modified-utf7.js";
import type { Peer } from "./peer.js";
import { type Value, wordsOf } from "./values.js";
import { astring, type Word } from "./words.js";

/** `\Inbox`, `\Sent`, `\Starred`: Gmail's own, written like flags. */
const OWN = /^\\[A-Za-z]+$/;

/** What a FETCH asks for besides, where there are labels. */
export function labelItem({ capabilities }: Peer): string {
  return capabilities.has("X-GM-EXT-1") ? " X-GM-LABELS" : "";
}

/** As people write them; the server has names beyond ASCII in modified UTF-7. */
export function labelsOf(value: Value | undefined): string[] {
  return wordsOf(value).map((label) => (OWN.test(label) ? label : decodeMailboxName(label)));
}

export function labelWord(label: string): Word {
  return OWN.test(label) ? label : astring(encodeModifiedUtf7(label));
}

/** @throws PortholeError `refused` where there are none */
export function mustHaveLabels({ capabilities }: Peer): void {
  if (capabilities.has("X-GM-EXT-1")) return;
  throw new PortholeError("refused", "the server has no labels", {
    hint: "labels are Gmail's; a keyword does elsewhere: `porthole imap flag URL WORD`",
  });
}
