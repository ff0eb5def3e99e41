/** `porthole watch URL`: one event a line, until Ctrl-C. */
import { spawn } from "node:child_process";
import { messageOf } from "../../errors.js";
import type { Target, WatchEvent } from "../../plugin.js";
import { safeLine, safeText } from "../../text/safe.js";
import { humanSize } from "../../text/units.js";
import { watch } from "../../verbs/watch.js";
import type { Desk } from "../command.js";
import { entryJson, jsonLine } from "../json-line.js";
import { oneUrl } from "../targets.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { client, terminal, options, signal } = desk;
  const target = client.target(oneUrl(desk));
  client.require(target, "watch", ["watch", "ls", "stat"]);
  const { interval, exec } = options;
  const events = watch(target, (ending) => client.open(target, ending), {
    ...(typeof interval === "number" ? { interval } : {}),
    signal,
    tell: (text) => terminal.warn(client.transcript.cover(text)),
  });
  for await (const event of events) {
    const json = jsonLine({
      event: event.event,
      at: event.at.toISOString(),
      ...entryJson(event.entry, target.protocol),
    });
    await terminal.write(options["json"] === true ? json : `${shown(desk, event, target)}\n`);
    if (typeof exec === "string") await tellCommand(exec, json, desk);
  }
  return undefined;
}

function shown({ terminal }: Desk, { event, entry, at, text }: WatchEvent, target: Target): string {
  // Into a pipe as it came; a person sees when, and of what kind.
  if (text !== undefined && !terminal.outputIsTerminal) return text;
  if (!terminal.outputIsTerminal) return `${event} ${safeLine(entry.url)}`;
  const { paint } = terminal;
  const color = { new: "green", changed: "yellow", gone: "red", data: "cyan" } as const;
  const size = entry.size === undefined ? "" : `  ${humanSize(entry.size)}`;
  const time = paint("dim", at.toTimeString().slice(0, 8));
  const head = `${time}  ${paint(color[event], event.padEnd(7))}  ${safeLine(entry.name || target.path)}${size}`;
  return text === undefined ? head : `${head}\n${safeText(text)}`;
}

/** One at a time: events that come meanwhile wait. What the command does is its own affair, but is told when it fails. */
function tellCommand(command: string, json: string, { terminal, signal }: Desk): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(command, {
      shell: true,
      env: { ...terminal.environment },
      stdio: ["pipe", "inherit", "inherit"],
      signal,
    });
    // It need not read it.
    child.stdin.on("error", () => undefined);
    child.once("error", (error) => {
      if (!signal.aborted) terminal.warn(`--exec cannot be run: ${messageOf(error)}`);
      resolve();
    });
    child.once("close", (status, name) => {
      if (status !== 0 && !signal.aborted)
        terminal.warn(`--exec ended with status ${status ?? name ?? "unknown"}`);
      resolve();
    });
    child.stdin.end(json);
  });
}
