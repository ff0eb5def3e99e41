/** What only FTP can do: `porthole ftp features URL`, `porthole ftp quote URL COMMAND...` and their like. */
import { PortholeError } from "../../src/errors.js";
import type { Command, Invocation, Output } from "../../src/plugin.js";
import type { Control } from "./control.js";
import { octetsOf, textOf } from "./octets.js";
import { openUrl } from "./opened.js";

/** Commands after which the octets of the connection mean something else, and what to do instead. */
const NOT_BY_HAND: Readonly<Record<string, string>> = {
  AUTH: "--starttls require asks for TLS, ftps: has it from the start",
  CCC: "--ccc has commands in clear after the login",
};

/** What FEAT lists, a feature a record. */
async function* features(invocation: Invocation): AsyncGenerator<Output> {
  const { control } = await openFirst(invocation, "features URL");
  for (const line of await control.featureLines()) {
    const text = textOf(line);
    const [, name = "", parameters = ""] = /^(\S+) ?(.*)$/.exec(text) ?? [];
    yield { kind: "record", text, data: { name, ...(parameters === "" ? {} : { parameters }) } };
  }
}

/** One command as it is typed, and the server's answer, which is an error when it is a refusal. */
async function* quote(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "quote URL COMMAND...";
  const { control, rest } = await openFirst(invocation, usage);
  yield* saying(control, rest.join(" "), usage);
}

async function* site(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "site URL COMMAND...";
  const { control, rest } = await openFirst(invocation, usage);
  const command = rest.join(" ");
  yield* saying(control, command.trim() === "" ? "" : `SITE ${command}`, usage);
}

async function* saying(control: Control, command: string, usage: string): AsyncGenerator<Output> {
  if (command.trim() === "") throw new PortholeError("usage", "which command?", { hint: usage });
  const hint = NOT_BY_HAND[command.trim().toUpperCase().split(/\s/)[0] ?? ""];
  if (hint !== undefined) {
    throw new PortholeError(
      "usage",
      `${command.trim()} changes how the connection is read, and is not sent by hand`,
      { hint },
    );
  }
  const reply = await control.ask(octetsOf(command));
  const text = textOf(reply.message);
  if (reply.code >= 400) {
    const { refusal } = await import("./refusal.js");
    throw refusal(reply);
  }
  yield { kind: "record", text, data: { code: reply.code, reply: text } };
}

async function openFirst(
  invocation: Invocation,
  usage: string,
): Promise<{ control: Control; rest: readonly string[] }> {
  const [url, ...rest] = invocation.words;
  if (url === undefined) throw new PortholeError("usage", "which server?", { hint: usage });
  const { control } = await openUrl(invocation, url, usage);
  return { control, rest };
}

/** Loaded when one of them is asked for. */
function lazily(name: "chmod" | "du" | "find" | "fxp" | "hash" | "touch"): Command {
  return async function* (invocation) {
    const { fileCommands } = await import("./file-commands.js");
    yield* fileCommands[name](invocation);
  };
}

export const commands: Readonly<Record<string, Command>> = {
  features,
  quote,
  site,
  hash: lazily("hash"),
  chmod: lazily("chmod"),
  touch: lazily("touch"),
  du: lazily("du"),
  find: lazily("find"),
  fxp: lazily("fxp"),
};
