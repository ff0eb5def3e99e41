/** What a server says it can do (RFC 9051, 7.2.2). */

/** Extensions of old that IMAP4rev2 has in itself, and need not tell (RFC 9051, appendix E). */
const IN_REV2: ReadonlySet<string> = new Set(
  "ENABLE ESEARCH IDLE LIST-EXTENDED LIST-STATUS LITERAL- MOVE NAMESPACE SASL-IR SEARCHRES SPECIAL-USE STATUS=SIZE UIDPLUS UNSELECT".split(
    " ",
  ),
);

export class Capabilities {
  readonly #offered: ReadonlySet<string>;

  /** @param words as the server sent them; names come in any case */
  constructor(words: Iterable<string>) {
    this.#offered = new Set(Array.from(words, (word) => word.toUpperCase()).filter((word) => word !== ""));
  }

  has(name: string): boolean {
    return this.#offered.has(name) || (IN_REV2.has(name) && this.#offered.has("IMAP4REV2"));
  }

  /** What is said in the form `NAME=VALUE`: `values("AUTH")`. */
  values(name: string): readonly string[] {
    const start = `${name}=`;
    return this.all.filter((word) => word.startsWith(start)).map((word) => word.slice(start.length));
  }

  /** In the server's order, upper case. */
  get all(): readonly string[] {
    return [...this.#offered];
  }

  /** Names are UTF-8 where the older form is not spoken at all (RFC 9051, 5.1). */
  get speaksRev2Alone(): boolean {
    return this.has("IMAP4REV2") && !this.has("IMAP4REV1");
  }

  /** Octets that may be sent as a literal without waiting (RFC 7888). */
  get literalAhead(): number {
    if (this.has("LITERAL+")) return Number.POSITIVE_INFINITY;
    return this.has("LITERAL-") ? 4096 : -1;
  }
}
