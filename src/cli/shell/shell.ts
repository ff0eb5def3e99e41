/** The shell: verbs typed one after the other at one place, over one session that stays open. */
import { homedir } from "node:os";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { EXIT_STATUS, PortholeError } from "../../errors.js";
import type { OptionSpec, Options } from "../../plugin.js";
import { nearest } from "../../spelling.js";
import { remoteFileName } from "../../text/filename.js";
import { safeLine } from "../../text/safe.js";
import { formatUrl } from "../../url.js";
import type { Desk } from "../command.js";
import { asPortholeError } from "../errors.js";
import { parseCommandLine } from "../parse.js";
import { SHARED_OPTIONS } from "../shared-options.js";
import { wordNamed } from "../verbs.js";
import { ALIASES, SHELL_WORDS } from "./commands.js";
import { Jobs } from "./jobs.js";
import { KeptClient } from "./kept-client.js";
import { parseShellLine, type ShellCommand } from "./line.js";
import type { LineSource } from "./lines.js";
import { Place } from "./place.js";
import { cat, enterLocally, find, type Here, help, runLocally } from "./shell-words.js";

/** Words that may be done again when the server had closed a session that waited. */
const REPEATABLE = new Set(["ls", "cd", "cat", "more", "get", "find", "search", "stat", "pwd"]);
/** Options that sessions are opened with, whatever the protocol. */
const SESSION_OPTIONS: readonly OptionSpec[] = SHARED_OPTIONS.filter(({ title }) =>
  ["Credentials", "Limits", "TLS", "Network"].includes(title),
).flatMap(({ options }) => options);
/** Ways in which a session is lost. */
const LOST: ReadonlySet<number> = new Set([
  EXIT_STATUS.connect,
  EXIT_STATUS.timeout,
  EXIT_STATUS.protocol,
  EXIT_STATUS.aborted,
]);

export class Shell implements AsyncDisposable {
  readonly #desk: Desk;
  #client: KeptClient;
  /** That of a line with options of its own, while it runs. */
  #other: KeptClient | undefined;
  #place: Place;
  readonly #jobs: Jobs;
  #left = false;
  #line: readonly string[] = [];
  /** The command that runs now has been interrupted. */
  #interrupted = false;

  /** @param url with its password, where it has one */
  constructor(desk: Desk, url: string) {
    this.#desk = desk;
    const target = desk.client.target(url);
    this.#client = new KeptClient(desk.client, target);
    this.#place = new Place(this.#client, target);
    this.#jobs = new Jobs(desk.client.policy.jobs, ({ number, line, state, words }) => {
      const told = words === "" ? "" : ` (${words})`;
      if (!desk.terminal.quiet) desk.terminal.say(`[${number}] ${state}${told}  ${safeLine(line)}`);
    });
  }

  get place(): Place {
    return this.#place;
  }

  get #here(): Here {
    return { desk: this.#desk, client: this.#client, place: this.#place };
  }

  /** The words that only this protocol has. */
  get ownWords(): readonly string[] {
    return this.#desk.client.manifestOf(this.#place.target).commands.map(({ name }) => name);
  }

  get prompt(): string {
    const { url, host, port, path, protocol } = this.#place.target;
    const standard = this.#desk.registry.forScheme(url.scheme)?.scheme.port;
    const where = host === "" ? protocol : `${host}${port === standard ? "" : `:${port}`}`;
    return `${safeLine(`${url.user === undefined ? "" : `${url.user}@`}${where}:${path || "/"}`)}> `;
  }

  /** Connects, and finds out whether the place is one to be in. @throws PortholeError */
  async begin(): Promise<void> {
    await this.#place.change(".");
  }

  /** Ctrl-C: ends the command that runs. */
  interrupt(): void {
    this.#interrupted = true;
    this.#client.interrupt();
    this.#other?.interrupt();
  }

  /**
   * Line by line to the end.
   * @param script ends at the first failure, but for lines that begin with `-`
   * @returns the exit status: of the first failure in a script, of the last command otherwise
   */
  async run(source: LineSource, script: boolean): Promise<number> {
    let status = 0;
    while (!this.#left && !this.#desk.signal.aborted) {
      const line = await source.next(this.prompt);
      if (line === undefined) break;
      this.#line = source.history;
      status = await this.#perform(line);
      if (script && status !== 0) break;
    }
    if (script || this.#left) await this.#jobs.wait();
    return status === 0 && this.#jobs.failed ? EXIT_STATUS.partial : status;
  }

  async #perform(line: string): Promise<number> {
    let commands: readonly ShellCommand[];
    try {
      commands = parseShellLine(line);
    } catch (thrown) {
      return this.#report(thrown);
    }
    for (const command of commands) {
      const status = await this.#one(command);
      if (status !== 0 && !command.mayFail) return status;
      if (this.#left) break;
    }
    return 0;
  }

  async #one(command: ShellCommand): Promise<number> {
    this.#interrupted = false;
    try {
      if (command.local !== undefined) return await runLocally(command.local);
      const [typed = "", ...rest] = command.words;
      const word = ALIASES[typed] ?? typed;
      const words = typed === "ll" ? ["-l", ...rest] : rest;
      if (word === "queue" && words.length > 0) {
        const [first = "", ...others] = words;
        this.#beside(ALIASES[first] ?? first, others, words.join(" "));
        return 0;
      }
      if (command.beside) {
        this.#beside(word, words, command.words.join(" "));
        return 0;
      }
      return await this.#tried(word, words);
    } catch (thrown) {
      if (this.#interrupted) {
        this.#desk.terminal.say("porthole: left");
        return EXIT_STATUS.aborted;
      }
      return this.#report(thrown);
    } finally {
      if (!this.#jobs.running) this.#desk.progressOver();
    }
  }

  /** Once more, on a new session, when the one that waited was lost and nothing has been shown. */
  async #tried(word: string, words: readonly string[]): Promise<number> {
    const waited = this.#client.holds;
    const before = this.#desk.terminal.written;
    try {
      const status = await this.#do(word, words);
      if (LOST.has(status)) await this.#client.drop();
      return status;
    } catch (thrown) {
      const { exit } = asPortholeError(thrown);
      if (LOST.has(exit)) await this.#client.drop();
      const again = waited && exit === EXIT_STATUS.connect && REPEATABLE.has(word);
      if (!again || this.#interrupted || this.#desk.terminal.written !== before) throw thrown;
      return this.#do(word, words);
    }
  }

  #beside(word: string, words: readonly string[], line: string): void {
    const url = formatUrl(this.#place.target.url, { withPassword: true });
    const job = this.#jobs.add(line, async (signal) => {
      const inner = new Shell(this.#desk, url);
      const leave = () => inner.interrupt();
      signal.addEventListener("abort", leave, { once: true });
      try {
        return await inner.#do(word, words);
      } finally {
        signal.removeEventListener("abort", leave);
        await inner[Symbol.asyncDispose]();
      }
    });
    this.#desk.terminal.say(`[${job.number}] ${safeLine(line)}`);
  }

  async #report(thrown: unknown): Promise<number> {
    const { reportError } = await import("../errors.js");
    return reportError(thrown, this.#desk.terminal, this.#desk.voice);
  }

  // --- what can be typed ----------------------------------------------------------------------------------------

  async #do(word: string, words: readonly string[]): Promise<number> {
    const { terminal } = this.#desk;
    switch (word) {
      case "cd":
        await this.#place.change(words[0] ?? "/");
        return 0;
      case "pwd":
        await terminal.write(`${safeLine(this.#place.url)}\n`);
        return 0;
      case "open":
        return this.#open(words[0]);
      case "interact":
        return this.#interact();
      case "cat":
        return cat(this.#here, words);
      case "find":
        return find(this.#here, words);
      case "lcd":
        return enterLocally(words[0] ?? homedir());
      case "lpwd":
        await terminal.write(`${process.cwd()}\n`);
        return 0;
      case "queue":
      case "jobs":
        for (const { number, state, line, words: told } of this.#jobs.list)
          await terminal.write(
            `[${number}] ${state.padEnd(8)} ${safeLine(line)}${told === "" ? "" : `  ${told}`}\n`,
          );
        return 0;
      case "wait":
        if (words[0] !== undefined && this.#jobs.list[Number(words[0]) - 1] === undefined)
          throw new PortholeError("usage", `there is no job ${words[0]}`);
        await this.#jobs.wait(words[0] === undefined ? undefined : Number(words[0]));
        return this.#jobs.failed ? EXIT_STATUS.partial : 0;
      case "kill":
        if (!this.#jobs.end(Number(words[0])))
          throw new PortholeError("usage", `there is no job ${words[0] ?? ""}`);
        return 0;
      case "history":
        for (const [at, line] of this.#line.entries()) await terminal.write(`${at + 1}  ${safeLine(line)}\n`);
        return 0;
      case "help":
        return help(this.#here, words[0]);
      case "exit":
        this.#left = true;
        return 0;
      default:
        return this.#word(word, words);
    }
  }

  /** A verb of the command line, or a command of this protocol, with names made URLs. */
  async #word(typed: string, words: readonly string[]): Promise<number> {
    const { protocol } = this.#place.target;
    const [first = "", ...others] = words;
    if (typed === protocol && this.ownWords.includes(first)) return this.#own(first, others);
    if (SHELL_WORDS[typed] === undefined) {
      if (this.ownWords.includes(typed)) return this.#own(typed, words);
      const guess = nearest(typed, [...Object.keys(SHELL_WORDS), ...this.ownWords]);
      throw new PortholeError("usage", `there is no '${typed}' here`, {
        hint: guess === undefined ? "help lists what there is" : `did you mean ${guess}?`,
      });
    }
    const name = typed === "more" ? "open" : typed;
    const spec = wordNamed(name);
    if (spec?.load === undefined) throw new PortholeError("usage", `${typed} cannot be used here`);
    // put names its target by -o; to the command line that is the last word.
    const isUp = typed === "mirror" && words.includes("-R");
    const plain = isUp ? words.filter((one) => one !== "-R") : words;
    const renamed = typed === "put" ? takeOutput(plain) : { words: plain, output: undefined };
    const line =
      name === "open" ? undefined : parseCommandLine([name, ...renamed.words], this.#desk.registry);
    if (line?.kind === "help") return help(this.#here, typed);
    const given = line?.kind === "word" ? line.words : renamed.words;
    const options = line?.kind === "word" ? line.options : {};
    const urls =
      typed === "mirror"
        ? await this.#sidesOf(given, isUp)
        : await this.#urlsFor(typed, given, renamed.output);
    const module = await spec.load();
    const status = await this.#with(options, (client) =>
      module.run({
        ...this.#desk,
        client,
        words: urls,
        options: this.#optionsFor(typed, options),
        flags: { ...this.#desk.flags, ...options },
        word: spec,
      }),
    );
    if (["put", "rm", "mv", "mkdir", "mirror"].includes(typed)) this.#place.forget();
    return status ?? 0;
  }

  async #urlsFor(
    typed: string,
    words: readonly string[],
    output: string | undefined,
  ): Promise<readonly string[]> {
    const here = this.#place.url;
    switch (typed) {
      case "send":
      case "check":
        return [here];
      case "search":
        return this.#place.searchFor(words);
      case "put":
        return [...words, output === undefined ? here.replace(/\/?$/, "/") : await this.#place.urlOf(output)];
      case "mv":
      case "mkdir":
        return Promise.all(words.map((word) => this.#place.urlOf(word)));
      default: {
        if (words.length === 0 && ["ls", "stat", "watch"].includes(typed)) return [here];
        const found: string[] = [];
        for (const word of words) found.push(...(await this.#place.urlsOf(word)));
        return found;
      }
    }
  }

  /** From where to where `mirror` goes: the second is named like the first unless it is told. */
  async #sidesOf(words: readonly string[], isUp: boolean): Promise<string[]> {
    const [first, second, ...rest] = words;
    if (rest.length > 0 || (isUp && first === undefined)) {
      throw new PortholeError("usage", "mirror wants one folder there and one here", {
        hint: SHELL_WORDS["mirror"]?.usage ?? "mirror NAME FOLDER",
      });
    }
    if (isUp) {
      const name = second ?? basename(resolve(first ?? "."));
      return [pathToFileURL(resolve(first ?? ".")).href, await this.#place.urlBelow(name)];
    }
    const from = await this.#place.urlOf(first ?? ".");
    const name = remoteFileName(from.replace(/\/+$/, ""), undefined);
    return [from, pathToFileURL(resolve(second ?? name)).href];
  }

  /** What is got is saved: into the local folder, unless it is told where. */
  #optionsFor(typed: string, options: Options): Options {
    const all = { ...this.#desk.options, ...options };
    const told = ["output", "directory", "remote-name"].some((flag) => options[flag] !== undefined);
    return typed === "get" && !told ? { ...all, directory: "." } : all;
  }

  async #own(name: string, words: readonly string[]): Promise<number> {
    const { target } = this.#place;
    const manifest = this.#desk.client.manifestOf(target);
    const line = parseCommandLine([manifest.name, name, ...words], this.#desk.registry);
    if (line.kind !== "own") {
      await help(this.#here, name);
      return 0;
    }
    const usage = manifest.commands.find((command) => command.name === name)?.usage ?? "";
    const full = await this.#place.wordsFor(usage, line.words);
    const { runOwnCommand } = await import("../own-command.js");
    const options = { ...this.#desk.options, ...line.options };
    const status = await this.#with(line.options, (client) =>
      runOwnCommand({ ...this.#desk, client, words: full, options }, line.own),
    );
    return status ?? 0;
  }

  /** On the open session, unless the line has options that a session is opened with. */
  async #with<T>(given: Options, act: (client: KeptClient) => Promise<T>): Promise<T> {
    const own = this.#desk.client.manifestOf(this.#place.target).options;
    const isDecisive = (flag: string) => [...SESSION_OPTIONS, ...own].some((option) => option.flag === flag);
    if (!Object.keys(given).some(isDecisive)) return act(this.#client);
    await using client = new KeptClient(this.#desk.clientWith(given), this.#place.target);
    this.#other = client;
    try {
      return await act(client);
    } finally {
      this.#other = undefined;
    }
  }

  async #open(url: string | undefined): Promise<number> {
    if (url === undefined) throw new PortholeError("usage", "open wants a URL");
    const target = this.#desk.client.target(url);
    const client = new KeptClient(this.#desk.client, target);
    const place = new Place(client, target);
    await place.change(".");
    await this.#client.drop();
    this.#client = client;
    this.#place = place;
    return 0;
  }

  async #interact(): Promise<number> {
    const { interact } = await import("../interactive.js");
    const { target } = this.#place;
    this.#desk.client.require(target, "interact", ["interact"]);
    await this.#client.use(target, (session) => interact(this.#desk, session, target));
    return 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}

/** `-o NAME` out of the words. */
function takeOutput(words: readonly string[]): { words: readonly string[]; output: string | undefined } {
  const at = words.indexOf("-o");
  return at < 0
    ? { words, output: undefined }
    : { words: [...words.slice(0, at), ...words.slice(at + 2)], output: words[at + 1] };
}

/** True for what can only be talked to: Telnet, a socket. */
export function isConversation(kinds: readonly string[]): boolean {
  return kinds.includes("interact") && !kinds.includes("ls");
}
