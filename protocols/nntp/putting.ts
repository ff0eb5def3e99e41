/** An article that stands in a file, or comes from another place, posted as its author wrote it. */
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import { parseHeader } from "../../src/message/headers.js";
import type { Entry, Source } from "../../src/plugin.js";
import { LF } from "../../src/wire/octets.js";
import { decodeWords } from "../../src/wire/words.js";
import { bareArticle, messageIdIn } from "./entry.js";
import type { FieldText } from "./field-text.js";
import type { Line } from "./line.js";
import { messagePath, type NewsPath } from "./path.js";
import { post } from "./posting.js";

/** Octets of a header: with more before the first empty line it is no article. */
const MOST_HEADER = 256 * 1024;
const EMPTY_LINE = /\r?\n\r?\n/;

/**
 * What servers write into an article on its way (RFC 5537, 3.4: none of it may stand in one that is posted; what was there
 * before RFC 5536 besides). An article that was fetched has it.
 */
const TRACES =
  /^(?:Path|Xref|Injection-Info|NNTP-Posting-(?:Host|Date)|X-Trace|X-Complaints-To):.*(?:\r?\n[ \t].*)*\r?\n/gim;

interface Begun {
  /** The header's fields, each line with its end but for the last. */
  readonly head: Buffer;
  /** From the end of the last field's line on, as far as it has come. */
  readonly behind: Buffer;
  readonly rest: AsyncIterator<Uint8Array>;
}

/**
 * Posts to the groups that the article names, which the group of the URL must be among; where it names none, that group is.
 * A Message-ID is made where there is none, so that a posting whose answer is lost can be looked for.
 * @throws PortholeError `usage`, before anything is sent, for what is no article or is meant for other groups
 */
export async function putArticle(
  line: Line,
  place: NewsPath,
  source: Source,
  text: FieldText,
): Promise<Entry> {
  if (place.what !== "group" && place.what !== "server") {
    throw new PortholeError("usage", "an article is posted to a group, and never replaced", {
      hint: "end the URL in the group's name",
    });
  }
  if ((source.offset ?? 0) > 0) {
    throw new PortholeError("usage", "an article cannot be posted from the middle", {
      hint: "leave out --resume",
    });
  }
  const { head, behind, rest } = await begin(source.body);
  try {
    const header = parseHeader(head);
    const domain = domainIn(header.raw("from"));
    if (domain === undefined || (header.raw("subject") ?? "").trim() === "") {
      throw new PortholeError("usage", "what is to be posted has no From and Subject, so it is no article", {
        hint: "`porthole nntp post` makes one from a text",
      });
    }
    const group = place.what === "group" ? place.group : undefined;
    const groups = groupsIn(header.raw("newsgroups"));
    refuseOthers(groups, group);
    const id = messageIdIn(header.raw("message-id")) ?? `<${randomUUID()}@${domain}>`;
    const added = [
      ...(header.raw("message-id") === undefined ? [`Message-ID: ${id}`] : []),
      ...(groups.length === 0 && group !== undefined ? [`Newsgroups: ${group}`] : []),
    ].map((field) => `${field}\r\n`);
    const begun = Buffer.concat([Buffer.from(added.join("")), withoutTraces(head), behind]);
    const raw = Readable.from(pieces(begun, rest), { objectMode: false });
    const { size } = await post(await line.peer(), raw, id);
    const subject = (await text(header.raw("subject") ?? "")).trim();
    return { ...bareArticle(line.target, messagePath(id), subject, undefined, id), size };
  } finally {
    await rest.return?.();
  }
}

/** Reads as far as the header goes. @throws PortholeError `usage` when it does not end */
async function begin(body: AsyncIterable<Uint8Array>): Promise<Begun> {
  const rest = body[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    chunks.push(next.value);
    size += next.value.length;
    // Only a line's end can be the header's.
    if (!next.value.includes(LF) && size < MOST_HEADER) continue;
    const octets = Buffer.concat(chunks);
    const end = octets.subarray(0, MOST_HEADER).toString("latin1").search(EMPTY_LINE);
    if (end >= 0) return { head: octets.subarray(0, end), behind: octets.subarray(end), rest };
    if (size >= MOST_HEADER) break;
  }
  await rest.return?.();
  throw new PortholeError("usage", "what is to be posted has no empty line after a header", {
    hint: "`porthole nntp post --text-file FILE` posts a text",
  });
}

function withoutTraces(head: Buffer): Buffer {
  // The last line lacks its end, which stands before the empty line.
  const text = `${head.toString("latin1")}\n`.replace(TRACES, "").replace(/\r?\n$/, "");
  return Buffer.from(text, "latin1");
}

async function* pieces(
  begun: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield begun;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** What stands in a header goes where it says; the URL must not promise something else. */
function refuseOthers(groups: readonly string[], group: string | undefined): void {
  if (group === undefined) {
    if (groups.length > 0) return;
    throw new PortholeError("usage", "what is to be posted names no group", {
      hint: "end the URL in the group's name",
    });
  }
  if (groups.length === 0 || groups.includes(group)) return;
  throw new PortholeError("usage", `the article is for ${groups.join(", ")}, not for ${group}`, {
    hint: "its Newsgroups field says where it goes: change that, or name one of them in the URL",
  });
}

function groupsIn(field: string | undefined): string[] {
  return decodeWords(Buffer.from(field ?? "", "latin1"))
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function domainIn(from: string | undefined): string | undefined {
  return /[^\s<>@]@([A-Za-z0-9.-]+)/.exec(from ?? "")?.[1];
}
