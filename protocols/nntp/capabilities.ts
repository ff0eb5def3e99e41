/** What a server says it can do (RFC 3977, 5.2). */

export class Capabilities {
  readonly #labels = new Map<string, readonly string[]>();

  /** @param lines of the answer to CAPABILITIES; labels come in any case */
  constructor(lines: Iterable<string>) {
    for (const line of lines) {
      const [label = "", ...words] = line.trim().split(/[ \t]+/);
      if (label !== "") this.#labels.set(label.toUpperCase(), words);
    }
  }

  has(label: string): boolean {
    return this.#labels.has(label);
  }

  /** Whether a label is there with this argument: `LIST` with `COUNTS`. */
  offers(label: string, argument: string): boolean {
    return this.arguments(label).some((word) => word.toUpperCase() === argument);
  }

  /** In upper case where they are keywords is for the caller to say: a server's name keeps its case. */
  arguments(label: string): readonly string[] {
    return this.#labels.get(label) ?? [];
  }

  /** SASL mechanisms (RFC 4643, 3.2), upper case. */
  get mechanisms(): readonly string[] {
    return this.arguments("SASL").map((word) => word.toUpperCase());
  }

  /** Label by label, for people and `--json`. */
  toJSON(): Record<string, readonly string[]> {
    return Object.fromEntries(this.#labels);
  }
}
