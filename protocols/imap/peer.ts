/** The server at the other end of one connection: the dialogue with it, and what is known of it. */
import type { Connection } from "../../src/net/connection.js";
import { utf8Of } from "../../src/text/utf8.js";
import { Capabilities } from "./capabilities.js";
import { type Bystander, Dialogue } from "./dialogue.js";
import { decodeMailboxName, encodeModifiedUtf7 } from "./modified-utf7.js";
import { mustBeOk } from "./refusal.js";
import type { Data, Status } from "./response.js";
import { numberOf, wordsOf } from "./values.js";
import { astring, numbersIn, type Word } from "./words.js";

/** A mailbox that is selected (RFC 9051, 3.3). */
export interface Selected {
  /** As the server names it, one character for each octet. */
  readonly raw: string;
  readonly readOnly: boolean;
  /** Absent where the server has no lasting identifiers (UIDNOTSTICKY). */
  uidValidity: number | undefined;
  uidNext: number | undefined;
  exists: number;
  highestModSeq: string | undefined;
  permanentFlags: readonly string[] | undefined;
}

export class Peer implements Bystander {
  readonly dialogue: Dialogue;
  capabilities = new Capabilities([]);
  /** Undefined until asked for, or told unasked. */
  greeting: Status | undefined;
  /** Milliseconds from the connection to the greeting, and of the login. */
  greetingMs = 0;
  loginMs = 0;
  /** What was offered before TLS was started in place. */
  beforeTls: Capabilities | undefined;
  /** What was offered before the login, after which servers say nothing of TLS and logins any more. */
  beforeLogin: Capabilities | undefined;
  loggedIn = false;
  /** As whom, and by what: `as ann, by PLAIN`. */
  loggedInAs = "by the server itself";
  selected: Selected | undefined;
  /** What parts the levels of a mailbox's name; null where names have none; undefined until it is known. */
  delimiter: string | null | undefined;
  /** Names are UTF-8 (RFC 6855). */
  utf8 = false;
  compressed = false;
  /** QRESYNC is enabled (RFC 7162, 3.2.3): what is gone is told by VANISHED. */
  resyncs = false;
  /** Called for what happens in the selected mailbox. */
  onChange: ((data: Data) => void) | undefined;
  /** Called for what is told of mailboxes (RFC 5465); with nothing, when the server gives up telling. */
  onMailbox: ((data: Data | undefined) => void) | undefined;
  #told = false;

  constructor(connection: Connection) {
    this.dialogue = new Dialogue(connection, this);
  }

  get connection(): Connection {
    return this.dialogue.connection;
  }

  /** What can be done is known. */
  get told(): boolean {
    return this.#told;
  }

  /** What was said before is forgotten: after TLS, after a login (RFC 9051, 6.1.1). */
  forgetCapabilities(): void {
    this.#told = false;
  }

  async askCapabilities(): Promise<void> {
    if (this.#told) return;
    const answer = this.dialogue.say({ words: ["CAPABILITY"], takes: ({ name }) => name === "CAPABILITY" });
    mustBeOk(await answer.status(), "the server does not say what it can do");
  }

  /** A mailbox's name as a command carries it. @param raw one character for each octet */
  mailboxWord(raw: string): Word {
    if (/^[\x20-\x7e]*$/.test(raw)) return astring(raw);
    return { octets: Buffer.from(raw, "latin1") };
  }

  /** @param name as people write it */
  rawName(name: string): string {
    if (/^inbox$/i.test(name)) return "INBOX";
    return this.#namesAreUtf8 ? Buffer.from(name, "utf8").toString("latin1") : encodeModifiedUtf7(name);
  }

  /** A mailbox's name as people read it. What means nothing stays as it is. @param raw one character for each octet */
  shownName(raw: string): string {
    if (!this.#namesAreUtf8) return decodeMailboxName(raw);
    return utf8Of(Buffer.from(raw, "latin1")) ?? raw;
  }

  get #namesAreUtf8(): boolean {
    return this.utf8 || this.capabilities.speaksRev2Alone;
  }

  // --- What the server says by itself ---------------------------------------------------------------------------

  data(data: Data): void {
    switch (data.name) {
      case "CAPABILITY":
        this.#keep(data.values.filter((word) => typeof word === "string"));
        return;
      case "EXISTS":
        if (this.selected !== undefined) this.selected.exists = data.number ?? 0;
        this.onChange?.(data);
        return;
      case "EXPUNGE":
        if (this.selected !== undefined) this.selected.exists = Math.max(0, this.selected.exists - 1);
        this.onChange?.(data);
        return;
      case "VANISHED":
        this.#keepVanished(data);
        this.onChange?.(data);
        return;
      case "FETCH":
        this.onChange?.(data);
        return;
      case "STATUS":
      case "LIST":
        this.onMailbox?.(data);
        return;
      default:
    }
  }

  status({ code, codeText }: Status): void {
    switch (code) {
      case "CAPABILITY":
        this.#keep(codeText.split(" "));
        return;
      case "NOTIFICATIONOVERFLOW":
        this.onMailbox?.(undefined);
        return;
      case "UIDVALIDITY":
        if (this.selected !== undefined) this.selected.uidValidity = numberOf(codeText);
        return;
      case "UIDNEXT":
        if (this.selected !== undefined) this.selected.uidNext = numberOf(codeText);
        return;
      case "UIDNOTSTICKY":
        if (this.selected !== undefined) this.selected.uidValidity = undefined;
        return;
      case "HIGHESTMODSEQ":
        if (this.selected !== undefined) this.selected.highestModSeq = codeText;
        return;
      case "PERMANENTFLAGS":
        if (this.selected !== undefined) {
          this.selected.permanentFlags = codeText.replace(/[()]/g, "").split(" ").filter(Boolean);
        }
        return;
      default:
    }
  }

  /** RFC 7162, 3.2.10: what is marked as earlier was gone before, and is not counted. */
  #keepVanished({ values }: Data): void {
    const [set] = values;
    if (this.selected === undefined || typeof set !== "string") return;
    this.selected.exists = Math.max(0, this.selected.exists - numbersIn(set).length);
  }

  #keep(words: readonly string[]): void {
    this.capabilities = new Capabilities(words);
    this.#told = true;
    this.dialogue.literalAhead = this.capabilities.literalAhead;
  }
}

/** The keywords of a FLAGS list. */
export function flagsIn(value: Parameters<typeof wordsOf>[0]): string[] {
  return wordsOf(value);
}
