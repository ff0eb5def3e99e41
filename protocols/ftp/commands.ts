/** What only FTP can do: `porthole ftp features URL`, `porthole ftp quote URL COMMAND...`. */
import { PortholeError } from "../../src/errors.js";
import type { Command, Invocation, Output, Target } from "../../src/plugin.js";
import type { Control } from "./control.js";
import { octetsOf, textOf } from "./octets.js";

/** The session that a command is given has the contract's methods alone; what is behind it is found by its target. */
const controls = new WeakMap<Target, Control>();

export function remember(target: Target, control: Control): void {
  controls.set(target, control);
}

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
  const { control, rest } = await openFirst(invocation, "quote URL COMMAND...");
  const command = rest.join(" ");
  if (command.trim() === "")
    throw new PortholeError("usage", "which command?", { hint: "quote URL COMMAND..." });
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
  const { target } = await invocation.open(url);
  const control = controls.get(target);
  if (control === undefined) throw new PortholeError("usage", `${url} is not an ftp: URL`, { hint: usage });
  return { control, rest };
}

export const commands: Readonly<Record<string, Command>> = { features, quote };
