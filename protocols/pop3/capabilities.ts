/** What a server says it can do (RFC 2449, 5). */

export class Capabilities {
  readonly #offered = new Map<string, readonly string[]>();

  /** @param lines of the answer to CAPA; names come in any case */
  constructor(lines: Iterable<string>) {
    for (const line of lines) {
      const [name = "", ...words] = line.trim().split(/[ \t]+/);
      if (name !== "") this.#offered.set(name.toUpperCase(), words);
    }
  }

  has(name: string): boolean {
    return this.#offered.has(name);
  }

  arguments(name: string): readonly string[] {
    return this.#offered.get(name) ?? [];
  }

  /** SASL mechanisms (RFC 5034, 3), upper case. */
  get mechanisms(): readonly string[] {
    return this.arguments("SASL").map((word) => word.toUpperCase());
  }

  /** Seconds that must lie between two logins (RFC 2449, 6.5); undefined when the server sets none. */
  get loginDelay(): number | undefined {
    const [told = ""] = this.arguments("LOGIN-DELAY");
    return /^\d{1,9}$/.test(told) ? Number(told) : undefined;
  }

  /** In the server's order. */
  get all(): readonly { readonly name: string; readonly arguments: readonly string[] }[] {
    return [...this.#offered].map(([name, words]) => ({ name, arguments: words }));
  }
}
