/** Text as format=flowed (RFC 3676): lines of some 72 columns that a reader may join again. */

/** RFC 3676, 4.2: at most 78; 72 leaves room for quoting. */
const WIDTH = 72;

/** @param text with LF or CRLF; a line that begins with `>` is a quotation and is left as it is */
export function flowed(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/\n$/, "")
    .split("\n")
    .flatMap(flowLine)
    .map((line) => `${line}\r\n`)
    .join("");
}

function flowLine(written: string): string[] {
  // RFC 3676, 4.3: the one line that ends in a blank and does not flow.
  if (written === "-- ") return [written];
  // A blank at the end would say that the next line belongs to this one.
  const line = written.replace(/[ \t]+$/, "");
  if (line.startsWith(">")) return [line];
  return wrap(line).map((piece) => (/^(?: |>|From )/.test(piece) ? ` ${piece}` : piece));
}

/** Cut behind blanks, which stay at the ends of the pieces. */
function wrap(line: string): string[] {
  const pieces: string[] = [];
  let rest = line;
  while (rest.length > WIDTH) {
    const cut = rest.lastIndexOf(" ", WIDTH - 1);
    const at = cut > 0 ? cut : rest.indexOf(" ", WIDTH);
    if (at < 0 || at === rest.length - 1) break;
    pieces.push(rest.slice(0, at + 1));
    rest = rest.slice(at + 1);
  }
  return [...pieces, rest];
}
