/** What a server offers, as it says in its answer to EHLO (RFC 5321, 4.1.1.1). */
import type { Reply } from "../../src/wire/replies.js";

export class Extensions {
  readonly #offered: ReadonlyMap<string, readonly string[]>;

  constructor(offered: ReadonlyMap<string, readonly string[]> = new Map()) {
    this.#offered = offered;
  }

  /** The first line is the server's name; each other line an extension and its parameters. */
  static of(reply: Reply): Extensions {
    const offered = new Map<string, readonly string[]>();
    for (const line of reply.lines.slice(1)) {
      // `AUTH=LOGIN PLAIN` is what servers said before RFC 2554; it adds to what stands in the proper line.
      const [keyword = "", ...parameters] = line.trim().split(/[ \t=]+/);
      const name = keyword.toUpperCase();
      if (name !== "") offered.set(name, [...(offered.get(name) ?? []), ...parameters]);
    }
    return new Extensions(offered);
  }

  /** One for each, with its parameters, as a person reads it. */
  get lines(): readonly string[] {
    return [...this.#offered].map(([name, parameters]) => [name, ...parameters].join(" "));
  }

  has(name: string): boolean {
    return this.#offered.has(name);
  }

  /** Octets that a message may have (RFC 1870, 4); undefined when the server sets no limit. */
  get maxSize(): number | undefined {
    const [told = ""] = this.#offered.get("SIZE") ?? [];
    const size = /^\d{1,15}$/.test(told) ? Number(told) : 0;
    return size === 0 ? undefined : size;
  }

  /** SASL mechanisms, upper case, in the server's order (RFC 4954, 3). */
  get mechanisms(): readonly string[] {
    return [...new Set((this.#offered.get("AUTH") ?? []).map((name) => name.toUpperCase()))];
  }
}
