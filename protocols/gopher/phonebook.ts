/** CSO phone books (type 2; RFC 2378): a query line out, numbered answers in. Octets in, people out. */
import { PortholeError } from "../../src/errors.js";
import { LineReader } from "../../src/wire/lines.js";
import { decodeWords } from "../../src/wire/words.js";

export interface PhonebookLine {
  /** Which of the people found it is about, from 1; undefined for words about the whole. */
  readonly person: number | undefined;
  readonly text: string;
}

const LONGEST_LINE = 16 * 1024;
const MOST_WORDS = 500;

/** @throws PortholeError `usage` for words that would be more than one line */
export function phonebookQuery(words: string): string {
  if (/[\r\n\0]/.test(words) || words.length > MOST_WORDS) {
    throw new PortholeError("usage", "words for a phone book stand on one line");
  }
  return `query ${words.trim()}\r\nquit\r\n`;
}

/**
 * The answer's lines until the query is done.
 * @throws PortholeError `missing`, `busy`, `refused` by the answer's code
 */
export async function* phonebookLines(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<PhonebookLine, void, undefined> {
  const lines = new LineReader({ maxLength: LONGEST_LINE });
  for await (const chunk of chunks) {
    lines.feed(chunk);
    for (let line = lines.next(); line !== undefined; line = lines.next()) {
      // RFC 2378, 2.1: a minus before the code says that more follows.
      const matched = /^(-?)(\d{3}):(?:(\d+):)?(.*)$/.exec(decodeWords(line).replace(/\r$/, ""));
      if (matched === null) continue;
      const [, more, code = "0", person, text = ""] = matched;
      refuse(Number(code), text.trim());
      if (person !== undefined) yield { person: Number(person), text: text.trim() };
      else if (more === "" && Number(code) >= 200) return;
    }
  }
}

function refuse(code: number, reply: string): void {
  if (code < 400) return;
  // 501 and 502: no matches, too many; 4xx: later.
  const kind = code === 501 ? "missing" : code < 500 ? "busy" : "refused";
  throw new PortholeError(kind, kind === "missing" ? "nobody has that name" : "the phone book refuses", {
    reply,
  });
}
