/** `porthole nntp nzb`: files out of articles, as an NZB names them or as the subjects of a group do. */
import { stat as fileFacts, mkdir, readFile } from "node:fs/promises";
import { localError, PortholeError, systemCode } from "../../../src/errors.js";
import type { Command, Invocation, Output } from "../../../src/plugin.js";
import type { Assembled } from "../binaries/assembly.js";
import { download } from "../binaries/download.js";
import {
  type BinaryFile,
  commonSubject,
  fileOf,
  nameIn,
  parseNzb,
  partIn,
  type Segment,
} from "../binaries/nzb.js";
import { messageIdIn } from "../entry.js";
import { openNews } from "../opened.js";
import { newestFirst } from "../overviews.js";
import { parsePath } from "../path.js";
import type { NewsSession } from "../session.js";
import { containing, matchesPattern } from "../wildmat.js";
import { optionText, record, wrongUsage } from "./words.js";

/** RFC 5538: at the server that the user has set. */
const USUAL_SERVER = "news:";
const LARGEST_NZB = 256 * 1024 * 1024;

export const nzb: Command = async function* (invocation): AsyncGenerator<Output> {
  const { words, options } = invocation;
  const named = words.find((word) => /^[a-z]+:\/\/|^news:|^@/i.test(word));
  const [index] = words.filter((word) => word !== named);
  if (named === undefined && index === undefined) throw wrongUsage("nzb [URL] FILE.nzb -d DIR");
  const url = named ?? USUAL_SERVER;
  const { session, target } = await openNews(invocation, url);
  const subject = optionText(options, "subject");
  const files =
    index === undefined ? await filesInGroup(session, target.path, subject) : await filesIn(index, subject);
  const wanted = files.filter((file) => options["par2"] === true || !isPar2(file));
  if (wanted.length === 0) throw nothingFound(files.length, subject);
  yield* results(invocation, session, url, wanted);
};

function nothingFound(repairs: number, subject: string | undefined): PortholeError {
  const which = subject === undefined ? "" : ` whose subject holds '${subject}'`;
  return repairs > 0
    ? new PortholeError("missing", `there are none but files that repair others${which}`, {
        hint: "--par2 fetches them",
      })
    : new PortholeError("missing", `there are no files${which}`);
}

async function* results(
  invocation: Invocation,
  session: NewsSession,
  url: string,
  files: readonly BinaryFile[],
): AsyncGenerator<Output> {
  const { options } = invocation;
  const { context } = session.line;
  let octets = 0;
  let partial = 0;
  const folder = optionText(options, "directory") ?? ".";
  try {
    await mkdir(folder);
  } catch (thrown) {
    if (systemCode(thrown) !== "EEXIST") throw localError(thrown, folder);
  }
  const downloading = download(files, session, {
    folder,
    replace: options["force"] === true,
    jobs: context.policy.jobs,
    open: async () => (await openNews(invocation, url)).session,
    progress: (what, more) => {
      octets += more;
      context.progress({ what, done: octets });
    },
    warn: (text) => context.warn(text),
  });
  for await (const result of downloading) {
    if (!result.whole) partial += 1;
    yield told(result);
  }
  context.progress({ what: "articles", done: octets, finished: true });
  if (partial > 0) {
    throw new PortholeError("partial", `${partial} of ${files.length} files are not whole`, {
      hint: "the same command goes on where this one stopped; par2 files may repair them (--par2)",
    });
  }
}

function told({ name, path, size, whole, faults }: Assembled): Output {
  const shown = faults.map(({ segment, id, fault }) =>
    segment === 0 ? `the whole: ${fault}` : `part ${segment} ${id}: ${fault}`.replace("  ", " "),
  );
  const text = whole
    ? `${path}: ${size} octets`
    : [`${path}: not whole`, ...shown.map((line) => `  ${line}`)].join("\n");
  return record(text, { name, path, size, whole, faults: faults.map((fault) => ({ ...fault })) });
}

function isPar2({ subject }: BinaryFile): boolean {
  return /\.par2$/i.test(nameIn(subject) ?? subject);
}

async function filesIn(path: string, subject: string | undefined): Promise<BinaryFile[]> {
  let text: string;
  try {
    if ((await fileFacts(path)).size > LARGEST_NZB)
      throw new PortholeError("usage", `${path} is too large for an NZB`);
    text = await readFile(path, "utf8");
  } catch (thrown) {
    throw localError(thrown, path);
  }
  const files = parseNzb(text);
  if (subject === undefined) return files;
  const pattern = containing(subject).toLowerCase();
  return files.filter((file) => matchesPattern(pattern, file.subject.toLowerCase()));
}

/** Articles whose subjects differ in `(3/7)` alone make up a file. */
async function filesInGroup(
  session: NewsSession,
  path: string,
  subject: string | undefined,
): Promise<BinaryFile[]> {
  const place = parsePath(path);
  if ((place.what !== "group" && place.what !== "range") || subject === undefined) {
    throw new PortholeError("usage", "it is not said which files are wanted", {
      hint: "porthole nntp nzb URL FILE.nzb, or porthole nntp nzb URL/GROUP --subject TEXT",
    });
  }
  const pattern = containing(subject).toLowerCase();
  const peer = await session.line.peer();
  const facts = await peer.select(place.group);
  const found = new Map<string, { subject: string; segments: Segment[] }>();
  for await (const batch of newestFirst(peer, facts, place.what === "range" ? place.range : undefined)) {
    for (const { fields, number } of batch) {
      const words = await session.text(fields.get("subject") ?? "");
      const id = messageIdIn(fields.get("message-id"));
      if (id === undefined || !matchesPattern(pattern, words.toLowerCase())) continue;
      const part = partIn(words);
      // Without a number the article is a file of its own; part 0 is a description.
      if (part?.number === 0) continue;
      const key = part === undefined ? `${words}\0${number}` : commonSubject(words);
      const file = found.get(key) ?? { subject: words, segments: [] };
      file.segments.push({ number: part?.number ?? 1, id });
      found.set(key, file);
    }
  }
  return [...found.values()].map((file) => fileOf(file.subject, file.segments));
}
