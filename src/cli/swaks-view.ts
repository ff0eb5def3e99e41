/** `--transcript swaks`: the dialogue as swaks prints it, for eyes and scripts that know it so. */
import type { TranscriptEvent } from "../net/transcript.js";
import { safeLine } from "../text/safe.js";

/**
 * `<-  250 ok`, ` -> EHLO x`, `<** 550 no`, `<~  250 ok` and ` ~> EHLO x` under TLS, `=== ` before what is no dialogue. One
 * function for each run: it remembers which connections have TLS.
 */
export function swaksLines(): (event: TranscriptEvent) => string[] {
  const secure = new Set<number>();
  return ({ connection, direction, bytes, text = "" }) => {
    if (bytes === undefined) {
      if (/\bTLS\b/.test(text)) secure.add(connection);
      const shown = text
        .replace(/^connected to (.*)$/, "Connected to $1.")
        .replace(/^closed.*$/, "Connection closed with remote host.");
      return [`=== ${safeLine(shown)}`];
    }
    const lines = bytes
      .toString("utf8")
      .replace(/\r?\n$/, "")
      .split(/\r?\n/)
      .map(safeLine);
    const hidden = secure.has(connection);
    if (direction === "client") return lines.map((line) => `${hidden ? " ~> " : " -> "}${line}`.trimEnd());
    return lines.map((line) => {
      const refused = /^[45]\d\d/.test(line);
      const mark = hidden ? (refused ? "<~* " : "<~  ") : refused ? "<** " : "<-  ";
      return `${mark}${line}`;
    });
  };
}
