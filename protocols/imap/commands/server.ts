/** The server itself: capability, id, enable, proxyauth, quote. */
import { PortholeError } from "../../../src/errors.js";
import type { Invocation, Output } from "../../../src/plugin.js";
import { refuseControls } from "../../../src/url.js";
import { isContents } from "../answer.js";
import type { Contents } from "../contents.js";
import { mustBeOk } from "../refusal.js";
import { isBeforeContents } from "../response-reader.js";
import { listOf, textOf } from "../values.js";
import { astring, type Word } from "../words.js";
import { openFirst, record } from "./accounts.js";
import { atomOf } from "./folders.js";

/** Octets of a message in an answer that is shown. */
const MOST_SHOWN = 16 * 1024 * 1024;

/** CAPABILITY, before a login where none was asked for. */
export async function* capability(invocation: Invocation): AsyncGenerator<Output> {
  const { account } = await openFirst(invocation, "capability URL", 0);
  const peer = await account.greeted();
  peer.forgetCapabilities();
  await peer.askCapabilities();
  for (const name of peer.capabilities.all) yield record(name, { name });
}

/** ID (RFC 2971): what the server says that it is. Of this side nothing is told but what is given. */
export async function* id(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "id URL [FIELD=VALUE]...";
  const { account, rest } = await openFirst(invocation, usage, 30);
  const peer = await account.greeted();
  const fields = rest.flatMap((word): Word[] => {
    const [, name, value] = /^([^=]{1,30})=(.{0,1000})$/s.exec(word) ?? [];
    if (name === undefined) throw new PortholeError("usage", `'${word}' is no field`, { hint: usage });
    return [astring(name), astring(value ?? "")];
  });
  const answer = peer.dialogue.say({
    words: ["ID", ...(fields.length === 0 ? ["NIL"] : ["(", ...fields, ")"])],
    takes: ({ name }) => name === "ID",
  });
  for await (const { values } of answer.data()) {
    const list = listOf(values[0]);
    for (let at = 0; at + 1 < list.length; at += 2) {
      const [field, value] = [textOf(list[at]) ?? "", textOf(list[at + 1]) ?? null];
      yield record(`${field}: ${value ?? ""}`, { field, value });
    }
  }
  mustBeOk(await answer.status(), "the server does not say what it is");
}

/** ENABLE (RFC 5161). */
export async function* enable(invocation: Invocation): AsyncGenerator<Output> {
  const { account, rest } = await openFirst(invocation, "enable URL CAPABILITY...", 30);
  if (rest.length === 0)
    throw new PortholeError("usage", "which capability?", { hint: "enable URL CONDSTORE" });
  const peer = await account.peer();
  const answer = peer.dialogue.say({
    words: ["ENABLE", ...rest.map(atomOf)],
    takes: ({ name }) => name === "ENABLED",
  });
  let any = false;
  for await (const { values } of answer.data()) {
    for (const name of values) {
      any = true;
      yield record(`enabled ${textOf(name) ?? ""}`, { enabled: textOf(name) ?? "" });
    }
  }
  mustBeOk(await answer.status(), "the server refused to enable that");
  // RFC 5161, 3.1: what the server does not know it passes over.
  if (!any) {
    throw new PortholeError("refused", `the server enabled nothing of ${rest.join(", ")}`, {
      hint: "`porthole imap capability` shows what it has",
    });
  }
}

/** PROXYAUTH: an administrator becomes somebody else; then one command as them. */
export async function* proxyauth(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "proxyauth URL USER [COMMAND]...";
  const { account, rest } = await openFirst(invocation, usage, 1000);
  const [user, ...command] = rest;
  if (user === undefined) throw new PortholeError("usage", "as whom?", { hint: usage });
  const peer = await account.peer();
  const answer = await peer.dialogue.ask("PROXYAUTH", astring(user));
  mustBeOk(answer, `the server does not let you be ${user}`, "auth");
  yield record(answer.line, { reply: answer.line });
  if (command.length > 0) yield* said(account, command.join(" "));
}

/** One command as it is typed, and all that the server answers. */
export async function* quote(invocation: Invocation): AsyncGenerator<Output> {
  const { account, path, rest } = await openFirst(invocation, "quote URL COMMAND...", 10_000);
  const command = rest.join(" ").trim();
  if (command === "") throw new PortholeError("usage", "which command?", { hint: "quote URL COMMAND..." });
  if (path.levels.length > 0) await account.select(path, "write");
  yield* said(account, command);
}

async function* said(
  account: Awaited<ReturnType<typeof openFirst>>["account"],
  command: string,
): AsyncGenerator<Output> {
  refuseControls(command, "the command");
  const verb = command.split(" ")[0]?.toUpperCase() ?? "";
  if (["STARTTLS", "AUTHENTICATE", "IDLE", "COMPRESS"].includes(verb)) {
    const hints: Readonly<Record<string, string>> = {
      STARTTLS: "--starttls require starts TLS",
      AUTHENTICATE: "-u USER logs in",
      IDLE: "watch tells what comes",
      COMPRESS: "--compress always compresses",
    };
    throw new PortholeError("usage", `${verb} changes the connection and cannot be quoted`, {
      hint: hints[verb],
    });
  }
  if (/~?\{\d+\+?\}$/.test(command)) {
    throw new PortholeError("usage", "a literal cannot be quoted", { hint: "put appends a message" });
  }
  const peer = await account.greeted();
  const before = peer.dialogue.say({
    words: [command],
    alone: true,
    takes: () => true,
    contentsOf: "any",
  });
  let contents: string[] = [];
  for (let item = await before.next(); item !== undefined; item = await before.next()) {
    if (isContents(item)) {
      contents.push(await gathered(item));
      continue;
    }
    const octets = item.whole((text) => (isBeforeContents(text) ? contents.shift() : undefined));
    contents = [];
    const line = Buffer.from(octets, "latin1").toString("utf8");
    yield record(line.replaceAll("\r\n", "\n"), { line });
  }
  const status = await before.status();
  for (const { line } of before.notes) yield record(`* ${line}`, { line: `* ${line}` });
  mustBeOk(status, `the server refused ${verb}`);
  // What is selected now, or no more, is not known.
  peer.selected = undefined;
  yield record(status.line, { reply: status.line });
}

/** One character for each octet. */
async function gathered(contents: Contents): Promise<string> {
  if (contents.size > MOST_SHOWN) {
    contents.leave();
    throw new PortholeError("usage", `the answer holds a message of ${contents.size} octets`, {
      hint: "`porthole get` of its URL fetches it, however large",
    });
  }
  return (await contents.whole()).toString("latin1");
}
