/**
 * What is in a folder, as it comes: MLSD, or LIST where the server does not know it. Lines go from hand to hand as many at
 * once as came together: a listing may have a million, and each handing over costs promises.
 */
import { PortholeError } from "../../src/errors.js";
import { type LineEnd, LineReader } from "../../src/wire/lines.js";
import type { Control } from "./control.js";
import { Download } from "./download.js";
import { type Listed, type ListingLine, parseFacts, parseListLine } from "./listing.js";
import { type FtpPath, isPlainName } from "./path.js";
import { Refusal, refusal, wordsOf } from "./refusal.js";
import type { Transfer } from "./transfer.js";

/** Octets of a line: a name has 255, a link's target 4,096, and facts and columns come on top. */
const LONGEST_LINE = 64 * 1024;

export class FolderReader {
  readonly #control: Control;
  readonly #warn: (text: string) => void;
  /** LIST takes no option to show hidden names. */
  #plainList = false;
  #noMlsd = false;
  #lastRefusal: Refusal | undefined;

  constructor(control: Control, warn: (text: string) => void) {
    this.#control = control;
    this.#warn = warn;
  }

  /**
   * The folder's entries. Lines that cannot be read, and names that would lead elsewhere, are left out with a
   * warning.
   * @param whole it ends with an error in place of the warning
   * @throws PortholeError `missing` when the folder is not there or is none, `partial`
   */
  async *entries(folder: FtpPath, whole = false): AsyncGenerator<readonly Listed[]> {
    const pathname = await this.#control.pathname(folder);
    let unreadable = 0;
    let unsafe = 0;
    for await (const lines of this.#lines(pathname)) {
      const listed: Listed[] = [];
      for (const line of lines) {
        if (line === "self") continue;
        if (line === "unreadable") unreadable += 1;
        else if (line.name === "." || line.name === "..") continue;
        else if (isPlainName(line.name)) listed.push(line);
        else unsafe += 1;
      }
      yield listed;
    }
    const gaps = gapsOf(unreadable, unsafe);
    if (whole && gaps.length > 0) throw new PortholeError("partial", gaps.join("; "));
    for (const gap of gaps) this.#warn(gap);
  }

  async *#lines(pathname: string): AsyncGenerator<readonly ListingLine[]> {
    if (!this.#noMlsd && (await this.#control.feature("MLST")) !== undefined) {
      const listing = await this.#open(`MLSD ${pathname}`, isUnknownCommand);
      if (listing !== undefined) {
        for await (const lines of linesOf(listing)) yield lines.map(parseFacts);
        return;
      }
      this.#noMlsd = true;
    }
    yield* this.#list(pathname);
  }

  /**
   * LIST takes names for patterns and options, and answers to one that is not there with an empty listing. So
   * the folder is entered, and listed without a name.
   */
  async *#list(pathname: string): AsyncGenerator<readonly ListingLine[]> {
    // The way to the listing is asked for behind it.
    const entered = this.#control.ask(`CWD ${pathname}`).then((reply) => {
      if (reply.code >= 300) throw refusal(reply, "missing");
    });
    entered.catch(() => {});
    const now = new Date();
    if (!this.#plainList) {
      const listing = await this.#open("LIST -a", () => true, entered);
      // What was refused may have been the folder.
      await entered;
      let isListed = false;
      if (listing !== undefined) {
        for await (const lines of whole(linesOf(listing))) {
          isListed ||= lines.length > 0;
          yield lines.map((line) => parseListLine(line, now));
        }
      }
      // Even an empty folder has `.` and `..`; without them the option may have been taken for a name.
      if (isListed) return;
    }
    const listing = await this.#open(
      "LIST",
      (refused) => isEmptiness(refused) || isUnknownCommand(refused),
      entered,
    );
    await entered;
    if (listing === undefined) {
      if (this.#lastRefusal !== undefined && isUnknownCommand(this.#lastRefusal))
        yield* this.#names(pathname);
      return;
    }
    for await (const lines of whole(linesOf(listing))) {
      if (lines.length > 0) this.#plainList = true;
      yield lines.map((line) => parseListLine(line, now));
    }
  }

  /** The last resort: names, and nothing else of what bears them. Some servers put the folder before each. */
  async *#names(pathname: string): AsyncGenerator<readonly ListingLine[]> {
    const listing = await this.#open("NLST", isEmptiness);
    if (listing === undefined) return;
    const folder = `${pathname.replace(/\/$/, "")}/`;
    const listed = (line: string): Listed => {
      const name = line.startsWith(folder) ? line.slice(folder.length) : line.replace(/^\.\//, "");
      const isFolder = name.endsWith("/");
      return { name: isFolder ? name.slice(0, -1) : name, kind: isFolder ? "directory" : "file", meta: {} };
    };
    for await (const lines of linesOf(listing)) yield lines.filter((line) => line !== "").map(listed);
  }

  /** @returns undefined for a refusal that is no failure */
  async #open(
    command: string,
    isHarmless: (refused: Refusal) => boolean,
    after?: Promise<void>,
  ): Promise<Transfer | undefined> {
    try {
      return await this.#control.transfer(command, { unavailable: "missing", after, eager: true });
    } catch (thrown) {
      if (thrown instanceof Refusal && thrown.status >= 450 && isHarmless(thrown)) {
        this.#lastRefusal = thrown;
        return undefined;
      }
      throw thrown;
    }
  }
}

/** RFC 959, 4.2.2: 500 and 502 for the command, 504 for what it was given. */
function isUnknownCommand({ status }: Refusal): boolean {
  return status === 500 || status === 502 || status === 504;
}

/** Some servers answer so to LIST in an empty folder. */
function isEmptiness({ status, reply = "" }: Refusal): boolean {
  return (status === 450 || status === 550) && /\bno (?:such )?files?\b|not found|\bempty\b/i.test(reply);
}

/** VMS breaks a line behind a long name: `A_LONG_NAME.TXT;1`, and the rest on the next. */
async function* whole(batches: AsyncIterable<readonly string[]>): AsyncGenerator<readonly string[]> {
  let held: string | undefined;
  for await (const lines of batches) {
    const joined: string[] = [];
    for (const line of lines) {
      const goesOn = held !== undefined && /^\s/.test(line);
      if (held !== undefined) joined.push(goesOn ? `${held} ${line.trimStart()}` : held);
      held = undefined;
      if (goesOn) continue;
      if (/^\S+;\d+$/.test(line)) held = line;
      else joined.push(line);
    }
    yield joined;
  }
  if (held !== undefined) yield [held];
}

/** The lines of a listing as octets, until the server says that it was whole. */
async function* linesOf(transfer: Transfer): AsyncGenerator<readonly string[]> {
  const download = new Download(transfer);
  const closed = new Promise<void>((resolve) => {
    download.once("close", () => resolve());
  });
  const reader = new LineReader({ maxLength: LONGEST_LINE });
  // Lines end in CRLF (RFC 959, 3.1.1.1), and where they do a LF alone is part of a name. Some servers send LF alone.
  let ends: LineEnd | undefined;
  let held = "";
  try {
    for await (const chunk of download) {
      reader.feed(chunk);
      const lines: string[] = [];
      try {
        for (let line = reader.next(); line !== undefined; line = reader.next()) {
          ends ??= reader.lastEnd;
          held += line.toString("latin1");
          if (ends === "crlf" && reader.lastEnd === "lf" && held.length < LONGEST_LINE) held += "\n";
          else {
            lines.push(held);
            held = "";
          }
        }
      } finally {
        // What came before a line that is too long is good.
        yield lines;
      }
    }
    if (held !== "") yield [held];
    const last = reader.end();
    if (last !== undefined) yield [last.toString("latin1")];
  } finally {
    download.destroy();
    await closed;
  }
  // vsftpd: "226 Transfer done (but failed to open directory)."
  if (transfer.final !== undefined && /failed to open/i.test(transfer.final.message)) {
    throw new PortholeError("refused", "the server may not read this folder", {
      reply: wordsOf(transfer.final),
    });
  }
}

function gapsOf(unreadable: number, unsafe: number): string[] {
  const gaps: string[] = [];
  if (unreadable === 1) gaps.push("a line of the listing is in no known form and was left out");
  else if (unreadable > 0)
    gaps.push(`${unreadable} lines of the listing are in no known form and were left out`);
  if (unsafe === 1) gaps.push("a name holds a slash, a line break or a NUL and was left out");
  else if (unsafe > 0) gaps.push(`${unsafe} names hold a slash, a line break or a NUL and were left out`);
  return gaps;
}
