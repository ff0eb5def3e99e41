/** Commands about a server: groups, newgroups, newnews, list, date, help, capabilities, quote. */
import { PortholeError } from "../../../src/errors.js";
import type { Command, JsonObject } from "../../../src/plugin.js";
import { decodeWords } from "../../../src/wire/words.js";
import { sequelOf } from "../command.js";
import { parseActive } from "../group-facts.js";
import { groupsOf } from "../groups.js";
import { checkWildmat, groupPath, messagePath, type NewsPath } from "../path.js";
import type { Peer } from "../peer.js";
import { refusal, wordsOf } from "../refusal.js";
import { parseSince } from "../since.js";
import { stamp } from "../watching.js";
import { asked, record, wrongUsage } from "./words.js";

/** The groups that a URL means, as a wildmat. */
function patternOf(path: NewsPath, word: string | undefined): string | undefined {
  if (word !== undefined) return checkWildmat(word);
  if (path.what === "groups") return path.wildmat;
  return path.what === "group" ? path.group : undefined;
}

/** The lines of an answer as text. @throws PortholeError when the reply was another */
async function* linesOf(
  peer: Peer,
  words: readonly [string, ...string[]],
  code: number,
  failure: string,
): AsyncGenerator<string, void, undefined> {
  const lines = peer.lines(words, code);
  try {
    for (;;) {
      const { done, value } = await lines.next();
      if (done === true) {
        if (value !== undefined) throw refusal(value, failure);
        return;
      }
      yield decodeWords(value);
    }
  } finally {
    await lines.return(undefined);
  }
}

export const groups: Command = async function* (invocation) {
  const { session, path, rest } = await asked(invocation, "groups URL [WILDMAT]");
  const wildmat = patternOf(path, rest[0]);
  const peer = await session.line.peer();
  const found = groupsOf(peer, { described: true, ...(wildmat === undefined ? {} : { wildmat }) });
  for await (const { group, description = "" } of found) {
    const { name, low, high, count, status, estimated } = group;
    const url = session.line.target.href(groupPath(name));
    yield record(`${name}\t${count}\t${status}\t${description}`, {
      name,
      url,
      low,
      high,
      count,
      ...(estimated ? { estimated } : {}),
      status,
      description,
    });
  }
};

/** NEWGROUPS (RFC 3977, 7.3). */
export const newgroups: Command = async function* (invocation) {
  const usage = "newgroups URL SINCE";
  const { session, rest } = await asked(invocation, usage);
  const [since] = rest;
  if (since === undefined) throw wrongUsage(usage);
  const peer = await session.line.peer();
  const words = ["NEWGROUPS", ...momentOf(since), "GMT"] as const;
  for await (const line of linesOf(peer, words, 231, "the server does not tell its new groups")) {
    const group = parseActive(line);
    if (group === undefined) continue;
    const url = session.line.target.href(groupPath(group.name));
    yield record(group.name, {
      name: group.name,
      url,
      low: group.low,
      high: group.high,
      status: group.status,
    });
  }
};

/** NEWNEWS (RFC 3977, 7.4): Message-IDs. */
export const newnews: Command = async function* (invocation) {
  const usage = "newnews URL SINCE";
  const { session, path, rest } = await asked(invocation, usage);
  const [since] = rest;
  if (since === undefined) throw wrongUsage(usage);
  const peer = await session.line.peer();
  const words = ["NEWNEWS", patternOf(path, undefined) ?? "*", ...momentOf(since), "GMT"] as const;
  for await (const line of linesOf(peer, words, 230, "the server does not tell its new articles")) {
    const id = line.trim();
    if (id !== "") yield record(id, { messageId: id, url: session.line.target.href(messagePath(id)) });
  }
};

/** RFC 3977, 7.3.2: `yyyymmdd` and `hhmmss`. */
function momentOf(text: string): readonly [string, string] {
  const moment = stamp(parseSince(text));
  return [moment.slice(0, 8), moment.slice(8)];
}

/** Any LIST (RFC 3977, 7.6; RFC 6048): its lines. */
export const list: Command = async function* (invocation) {
  const { session, rest } = await asked(invocation, "list URL [KIND [WILDMAT]]");
  const [kind = "ACTIVE", pattern] = rest;
  if (!/^[A-Za-z][A-Za-z.-]*$/.test(kind)) throw wrongUsage("list URL [KIND [WILDMAT]]");
  const peer = await session.line.peer();
  const words = [
    "LIST",
    kind.toUpperCase(),
    ...(pattern === undefined ? [] : [checkWildmat(pattern)]),
  ] as const;
  for await (const line of linesOf(peer, words, 215, `the server has no list of ${kind.toUpperCase()}`)) {
    yield record(line, { kind: kind.toUpperCase(), line });
  }
};

/** DATE (RFC 3977, 7.1): the server's clock, UTC. */
export const date: Command = async function* (invocation) {
  const { session } = await asked(invocation, "date URL");
  const reply = await (await session.line.peer()).ask(["DATE"]);
  const digits = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})/.exec(reply.text);
  if (reply.code !== 111 || digits === null) throw refusal(reply, "the server does not tell the time");
  const [, year, month, day, hour, minute, second] = digits;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  yield record(iso, { date: iso });
};

/** HELP (RFC 3977, 7.2). */
export const help: Command = async function* (invocation) {
  const { session } = await asked(invocation, "help URL");
  const peer = await session.line.peer();
  for await (const line of linesOf(peer, ["HELP"], 100, "the server gives no help"))
    yield record(line, { line });
};

/** CAPABILITIES (RFC 3977, 5.2), as they stand after TLS and login; and the greeting. */
export const capabilities: Command = async function* (invocation) {
  const { session } = await asked(invocation, "capabilities URL");
  const peer = await session.line.peer();
  const known = peer.capabilities;
  if (known === undefined) {
    throw new PortholeError(
      "refused",
      "the server is from before RFC 3977 and does not tell what it can do",
      {
        reply: peer.greeting === undefined ? undefined : wordsOf(peer.greeting),
      },
    );
  }
  const labels = known.toJSON();
  const lines = Object.entries(labels).map(([label, words]) => [label, ...words].join(" "));
  const data: JsonObject = {
    greeting: peer.greeting === undefined ? "" : wordsOf(peer.greeting),
    posting: peer.postingAllowed,
    secure: peer.connection.secure,
    capabilities: labels,
  };
  yield record(lines.join("\n"), data);
};

/** What would leave the conversation in a state that nobody here expects. */
const NOT_QUOTED: ReadonlySet<string> = new Set([
  "STARTTLS",
  "COMPRESS",
  "POST",
  "IHAVE",
  "TAKETHIS",
  "AUTHINFO",
  "QUIT",
]);

/** Any command, and what the server answers. */
export const quote: Command = async function* (invocation) {
  const usage = "quote URL COMMAND...";
  const { session, path, rest } = await asked(invocation, usage);
  const [verb, ...args] = rest.flatMap((word) => word.split(" ")).filter((word) => word !== "");
  if (verb === undefined) throw wrongUsage(usage);
  if (NOT_QUOTED.has(verb.toUpperCase())) {
    throw new PortholeError("usage", `${verb.toUpperCase()} is not to be quoted`, {
      hint: "TLS, login, posting and goodbye have options and commands of their own",
    });
  }
  const peer = await session.line.peer();
  if (path.what === "group") await peer.select(path.group);
  const words = [verb, ...args] as const;
  const { reply, answer } = await peer.open(words);
  yield record(wordsOf(reply), { code: reply.code, text: reply.text });
  switch (sequelOf(words, reply)) {
    case "lines":
      for await (const line of answer.lines()) {
        const text = decodeWords(line);
        yield record(text, { line: text });
      }
      return;
    case "block": {
      const chunks: Buffer[] = [];
      for await (const chunk of answer.block())
        chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
      const text = decodeWords(Buffer.concat(chunks));
      yield record(text.replace(/\r\n$/, "").replaceAll("\r\n", "\n"), { text });
    }
  }
};
