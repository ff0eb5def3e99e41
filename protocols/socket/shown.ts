/** What came, as it is printed: octets as they are, a hex dump, or an event a line for `--json`. */
import type { Connection } from "../../src/net/connection.js";
import { outputsOf } from "../../src/net/outlet.js";
import type { JsonObject, Options, Output } from "../../src/plugin.js";

const PER_LINE = 16;

/** One peer's view: a hex dump counts on from piece to piece. */
export class Shown {
  readonly #options: Options;
  readonly #facts: JsonObject;
  #offset = 0;

  /** @param facts stand in each event: which peer it was */
  constructor(options: Options, facts: JsonObject = {}) {
    this.#options = options;
    this.#facts = facts;
  }

  octets(octets: Buffer, facts: JsonObject = {}): Output {
    const raw = this.#options["raw"] === true;
    if (this.#options["json"] === true) return this.event("data", "", { ...facts, ...dataFacts(octets) });
    if (this.#options["hex"] !== true) return { kind: "octets", octets, raw };
    const text = hexDump(octets, this.#offset);
    this.#offset += octets.length;
    return { kind: "octets", octets: Buffer.from(text), raw };
  }

  /** @param text for people */
  event(event: string, text: string, facts: JsonObject = {}): Output {
    return { kind: "record", text, data: { event, ...this.#facts, ...facts } };
  }
}

/** All that a connection gives, each piece shown before the next is read into the same buffer. */
export function shownFrom(connection: Connection, shown: Shown): AsyncGenerator<Output, void, undefined> {
  return outputsOf<Output>(async (outlet) => {
    await connection.pour((octets) => outlet.put(shown.octets(octets)));
  });
}

/** What JSON can hold of octets: text where it is text, hexadecimal where it is not. */
function dataFacts(octets: Buffer): JsonObject {
  const text = octets.toString("utf8");
  const whole = Buffer.from(text, "utf8").equals(octets);
  return { size: octets.length, ...(whole ? { text } : { hex: octets.toString("hex") }) };
}

/** As `hexdump -C` lays it out. */
export function hexDump(octets: Buffer, offset: number): string {
  let text = "";
  for (let at = 0; at < octets.length; at += PER_LINE) {
    const line = octets.subarray(at, at + PER_LINE);
    const pairs = Array.from(line, (octet) => octet.toString(16).padStart(2, "0"));
    const [left, right] = [pairs.slice(0, 8).join(" "), pairs.slice(8).join(" ")];
    const readable = line.toString("latin1").replace(/[^\x20-\x7e]/g, ".");
    text += `${(offset + at).toString(16).padStart(8, "0")}  ${left.padEnd(23)}  ${right.padEnd(23)}  |${readable}|\n`;
  }
  return text;
}
