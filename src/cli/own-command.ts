/** `porthole PROTOCOL COMMAND ...`: what only that protocol can do. */
import { loadPlugin } from "../client.js";
import { PortholeError } from "../errors.js";
import type { Document, Invocation, Output, Session, Target } from "../plugin.js";
import { HarmlessStream } from "../text/harmless-stream.js";
import { safeText } from "../text/safe.js";
import type { Desk, OwnCommand } from "./command.js";
import { listingStyle, showEntries } from "./entries.js";
import { destinationOf, saveOne, show } from "./fetch.js";
import { jsonLine } from "./json-line.js";
import { asUrl } from "./plain-host.js";

const LF = 0x0a;

export async function runOwnCommand(desk: Desk, { manifest, name }: OwnCommand): Promise<number | undefined> {
  const usage = manifest.commands.find((command) => command.name === name)?.usage ?? "";
  if (desk.words.length === 0 && usage.startsWith("URL")) {
    throw new PortholeError("usage", `${name} wants a URL`, {
      protocol: manifest.name,
      hint: `porthole ${manifest.name} ${name} ${usage}`,
    });
  }
  const plugin = await loadPlugin(manifest);
  const command = plugin.commands[name];
  if (command === undefined) throw new Error(`${manifest.name} declares ${name} and does not have it`);
  const sessions: Session[] = [];
  const places = new Set<string>();
  /** @throws PortholeError `usage` for another protocol's URL */
  const own = (url: string): Target => {
    const target = desk.client.target(url);
    if (target.protocol !== manifest.name) {
      const written = asUrl(manifest, url);
      throw new PortholeError("usage", `${target.href(target.path)} is not for ${manifest.title}`, {
        protocol: manifest.name,
        hint: written === undefined ? `porthole ${manifest.name} ${name} ${usage}` : `write ${written}`,
      });
    }
    places.add(target.href(target.path));
    return target;
  };
  const invocation: Invocation = {
    words: desk.words,
    options: desk.options,
    signal: desk.signal,
    // Opened when it is read: most commands never do.
    get stdin() {
      return desk.terminal.stdin;
    },
    get stdinIsTerminal() {
      return desk.terminal.inputIsTerminal;
    },
    get stdoutIsTerminal() {
      return desk.terminal.outputIsTerminal;
    },
    warn: (text) => desk.terminal.warn(text),
    tell: (text) => {
      if (!desk.terminal.quiet) desk.terminal.say(safeText(text).trimEnd());
    },
    reach: (url) => {
      const target = own(url);
      return { target, context: desk.client.contextFor(target) };
    },
    open: async (url) => {
      const target = own(url);
      const session = await desk.client.open(target);
      sessions.push(session);
      return { session, target, opened: desk.client.openedFor(session, target) };
    },
  };
  /** What was shown last has no line end: a prompt, most often. */
  let lineOpen = false;
  try {
    const stream = new HarmlessStream();
    for await (const output of command(invocation)) {
      await showOutput(desk, output, manifest.name, stream);
      if (output.kind === "octets") lineOpen = output.octets.at(-1) !== LF;
    }
  } catch (thrown) {
    if (lineOpen && desk.terminal.outputIsTerminal) await desk.terminal.write("\n");
    if (thrown instanceof PortholeError) {
      thrown.protocol ??= manifest.name;
      // Of several, none is known to be the one that failed.
      const [place, another] = places;
      if (another === undefined) thrown.url ??= place;
    }
    throw thrown;
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
  return undefined;
}

async function showOutput(
  desk: Desk,
  output: Output,
  protocol: string,
  stream: HarmlessStream,
): Promise<void> {
  const { terminal, options } = desk;
  switch (output.kind) {
    case "entry": {
      const style = listingStyle({ json: options["json"] === true }, false);
      await showEntries(only(output.entry), terminal, { style, protocol });
      return;
    }
    case "document":
      return deliver(desk, output.document);
    case "octets": {
      const harmless = terminal.outputIsTerminal && output.raw !== true;
      await terminal.write(harmless ? stream.text(output.octets) : output.octets);
      return;
    }
    case "record": {
      const text = terminal.outputIsTerminal ? safeText(output.text) : output.text;
      if (options["json"] === true) await terminal.write(jsonLine(output.data));
      // What has nothing to tell but that it is done says nothing.
      else if (text !== "") await terminal.write(`${text}\n`);
    }
  }
}

/** Where -o, -O or -d say; otherwise to standard output. */
async function deliver(desk: Desk, document: Document): Promise<void> {
  const destination = destinationOf(desk.options, 1);
  if (destination.kind === "output") return show(desk, document);
  const told = await saveOne(desk, document, destination);
  if (told !== undefined) await desk.terminal.write(told);
}

async function* only<T>(value: T): AsyncGenerator<T> {
  yield value;
}
