/** Articles one after another in one file: mbox (RFC 4155), with the `From ` lines of texts quoted as in mboxrd. */

const LF = 0x0a;
const CR = 0x0d;
const GREATER = 0x3e;
const FROM = Buffer.from("From ");
const QUOTE = Buffer.from(">");
const LINE_END = Buffer.from("\n");
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The line before a message. RFC 4155 wants the time of its arrival, in UTC, as asctime writes it. */
export function separator(arrived: Date): Buffer {
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${DAYS[arrived.getUTCDay()]} ${MONTHS[arrived.getUTCMonth()]} ${String(arrived.getUTCDate()).padStart(2)}`;
  const time = [arrived.getUTCHours(), arrived.getUTCMinutes(), arrived.getUTCSeconds()].map(two).join(":");
  return Buffer.from(`From - ${day} ${time} ${arrived.getUTCFullYear()}\n`);
}

/** One message's octets as a mbox has them: line ends LF, and `>` before a line that begins with `From ` or `>From `. */
export class MboxQuoting {
  /** The beginning of a line that may be one of those, and a CR that may be half of a line end. */
  #held: Buffer = Buffer.alloc(0);
  #atStart = true;

  write(chunk: Buffer): Buffer {
    const octets = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const pieces: Buffer[] = [];
    let at = 0;
    this.#held = Buffer.alloc(0);
    while (at < octets.length) {
      if (this.#atStart) {
        const verdict = quoted(octets, at);
        if (verdict === "undecided") {
          this.#held = Buffer.from(octets.subarray(at));
          break;
        }
        if (verdict) pieces.push(QUOTE);
        this.#atStart = false;
      }
      const lf = octets.indexOf(LF, at);
      if (lf < 0) {
        const end = octets[octets.length - 1] === CR ? octets.length - 1 : octets.length;
        pieces.push(octets.subarray(at, end));
        this.#held = Buffer.from(octets.subarray(end));
        break;
      }
      pieces.push(octets.subarray(at, lf > at && octets[lf - 1] === CR ? lf - 1 : lf), LINE_END);
      at = lf + 1;
      this.#atStart = true;
    }
    return Buffer.concat(pieces);
  }

  /** What was held back, the last line's end, and the empty line that parts messages. */
  end(): Buffer {
    const rest = this.#held;
    const ended = this.#atStart && rest.length === 0;
    this.#held = Buffer.alloc(0);
    this.#atStart = true;
    return Buffer.concat([rest, ended ? LINE_END : Buffer.concat([LINE_END, LINE_END])]);
  }
}

/** Whether the line that begins at `at` is `From ` behind any number of `>`. */
function quoted(octets: Buffer, at: number): boolean | "undecided" {
  let from = at;
  while (octets[from] === GREATER) from++;
  const seen = octets.subarray(from, from + FROM.length);
  if (seen.length === FROM.length) return seen.equals(FROM);
  return seen.equals(FROM.subarray(0, seen.length)) ? "undecided" : false;
}
