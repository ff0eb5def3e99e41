/** `porthole shell URL`: one session kept open, for a person or a script. */
import type { Desk } from "../command.js";
import { completer } from "../shell/completion.js";
import { type LineSource, ScriptLines, TypedLines } from "../shell/lines.js";
import { isConversation, Shell } from "../shell/shell.js";
import { stateFolder } from "../state-folder.js";
import { oneUrl } from "../targets.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { client, terminal } = desk;
  const url = oneUrl(desk);
  const target = client.target(url);
  client.require(target, "shell", ["ls", "get", "send", "interact"]);
  // What can only be talked to is its own shell.
  if (isConversation(client.verbsOf(target))) {
    const { interact } = await import("../interactive.js");
    const said = await saidTo(desk);
    await client.use(target, (session) => interact(desk, session, target, said));
    return undefined;
  }
  await using shell = new Shell(desk, url);
  const isPerson = terminal.inputIsTerminal && terminal.outputIsTerminal;
  const { source, script } = await sourceOf(desk, shell, isPerson);
  // Ctrl-C ends a command, not the shell; readline has its own while a line is typed.
  const others = process.rawListeners("SIGINT");
  const interrupt = () => shell.interrupt();
  if (!script) {
    process.removeAllListeners("SIGINT");
    process.on("SIGINT", interrupt);
  }
  try {
    await shell.begin();
    return await shell.run(source, script);
  } finally {
    await source.close();
    if (!script) {
      process.off("SIGINT", interrupt);
      for (const other of others) process.on("SIGINT", () => Reflect.apply(other, process, ["SIGINT"]));
    }
  }
}

/** Lines of -c and --script are what is said; otherwise it is typed. @throws PortholeError `local` */
async function saidTo({ options }: Desk): Promise<AsyncIterable<Uint8Array> | undefined> {
  const { command, script } = options;
  const isFile = typeof script === "string" && script !== "-";
  if (!Array.isArray(command) && !isFile) return undefined;
  const lines = Array.isArray(command) ? ScriptLines.of(command) : await ScriptLines.fromFile(String(script));
  return octetsOf(lines);
}

async function* octetsOf(lines: LineSource): AsyncGenerator<Uint8Array> {
  try {
    for (let line = await lines.next(""); line !== undefined; line = await lines.next(""))
      yield Buffer.from(`${line}\n`, "utf8");
  } finally {
    await lines.close();
  }
}

async function sourceOf(
  desk: Desk,
  shell: Shell,
  isPerson: boolean,
): Promise<{ source: LineSource; script: boolean }> {
  const { options, terminal } = desk;
  const commands = options["command"];
  if (Array.isArray(commands)) return { source: ScriptLines.of(commands), script: true };
  const file = options["script"];
  if (typeof file === "string" && file !== "-")
    return { source: await ScriptLines.fromFile(file), script: true };
  if (!isPerson || file === "-") return { source: ScriptLines.from(terminal.stdin), script: true };
  const lines = new TypedLines(
    terminal,
    completer(
      () => shell.place,
      () => shell.ownWords,
    ),
    stateFolder(terminal.environment),
  );
  await lines.load();
  return { source: lines, script: false };
}
