/** `porthole tour`: the main jobs, typed as a user would, against servers that Porthole brings along. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import type { Sandbox } from "../../../fixtures/servers/sandbox.js";
import { PortholeError } from "../../errors.js";
import { safeLine } from "../../text/safe.js";
import type { Environment } from "../colors.js";
import type { Desk } from "../command.js";
import { run as runCommandLine } from "../run.js";

interface Stop {
  readonly title: string;
  readonly argv: readonly string[];
  /** The status that the command is meant to end with; 0 when absent. */
  readonly status?: number;
  /** It serves one peer: the command that is typed meanwhile, given the port at which it listens. */
  readonly meanwhile?: (port: string) => readonly string[];
  /** What to say after it. */
  readonly after?: (sandbox: Sandbox) => string;
}

/** Lines of output shown of each command. */
const LINES_SHOWN = 22;

export async function run(desk: Desk): Promise<number | undefined> {
  const { terminal, signal } = desk;
  const { startSandbox } = await import("../../../fixtures/servers/sandbox.js");
  const folder = await mkdtemp(join(tmpdir(), "porthole-tour-"));
  const sandbox = await startSandbox();
  try {
    await terminal.write(
      "Porthole's tour: small servers run on this machine, and each command below is typed against them.\n",
    );
    for (const [index, stop] of stops(sandbox, folder).entries()) {
      if (signal.aborted) throw signal.reason;
      await visit(desk, stop, index + 1, sandbox);
    }
    await terminal.write(whereNext(terminal.paint));
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
  return undefined;
}

function stops(sandbox: Sandbox, folder: string): Stop[] {
  const http = sandbox.url("http");
  const ftp = sandbox.url("ftp");
  const gopher = sandbox.url("gopher");
  return [
    { title: "A web page, readable in a terminal", argv: [http] },
    {
      title: "The same server over TLS, and JSON laid out",
      argv: [`${sandbox.url("https")}json`, "--cacert", sandbox.caFile],
    },
    {
      title: "A download: written beside its target, renamed when whole",
      argv: ["get", `${http}files/pub/logbook.txt`, "-o", join(folder, "logbook.txt"), "--json"],
    },
    {
      title: "A mail",
      argv: [
        "send",
        sandbox.url("smtp"),
        "--from",
        "keeper@lighthouse.example",
        "--to",
        "harbour@port.example",
        "--subject",
        "The lamp is lit",
        "--text",
        "Seen from nine miles.",
      ],
      after: ({ mails }) => {
        const mail = mails.at(-1);
        return mail === undefined
          ? ""
          : `The server has it: "${safeLine(mail.subject)}", for ${mail.to.join(", ")}.`;
      },
    },
    {
      title: "The same mail, found by another protocol",
      argv: ["search", `${sandbox.url("imap")}INBOX`, "subject:lamp", "-u", "porthole:sandbox", "-l"],
    },
    { title: "An FTP directory", argv: ["ls", ftp, "-l"] },
    {
      title: "The same for a script: every entry has a URL that opens again",
      argv: ["ls", ftp, "--json", "--limit", "2"],
    },
    { title: "A Gopher hole", argv: [gopher] },
    { title: "A Gopher search", argv: ["search", `${gopher}7/search`, "lighthouse"] },
    {
      title: "A session with another machine, by program",
      argv: [
        ...["telnet", "run", sandbox.url("telnet"), "--expect", "login:", "--send", "porthole"],
        ...[
          "--expect",
          "Password:",
          "--send",
          "sandbox",
          "--expect",
          "harbour$",
          "--send",
          "echo all is well",
        ],
        ...["--expect", "harbour$"],
      ],
    },
    {
      title: "The simple server, and the simple client",
      argv: ["socket", "listen", "tcp://127.0.0.1:0", "--send", "Thank you for connecting"],
      meanwhile: (port) => ["socket", "connect", `tcp://127.0.0.1:${port}`],
    },
    {
      title: "What is not there: one line, and a status that scripts can tell",
      argv: ["get", `${http}nowhere`],
      status: 8,
    },
  ];
}

async function visit(desk: Desk, stop: Stop, number: number, sandbox: Sandbox): Promise<void> {
  const { terminal } = desk;
  const { paint } = terminal;
  const typed = (argv: readonly string[]) => paint("green", `$ porthole ${argv.map(shellWord).join(" ")}`);
  await terminal.write(`\n${paint("bold", `${number}. ${stop.title}`)}\n\n  ${typed(stop.argv)}\n`);
  const { status, output } =
    stop.meanwhile === undefined ? await type(desk, stop.argv) : await typeBoth(desk, stop, typed);
  const lines = output.replace(/\n$/, "").split("\n");
  const shown = lines.slice(0, LINES_SHOWN).map((line) => `  ${line}`.trimEnd());
  if (lines.length > LINES_SHOWN)
    shown.push(paint("dim", `  ... and ${lines.length - LINES_SHOWN} lines more`));
  await terminal.write(`${shown.join("\n")}\n`);
  const words = stop.after?.(sandbox) ?? "";
  if (words !== "") await terminal.write(`\n  ${words}\n`);
  const expected = stop.status ?? 0;
  if (expected !== 0) await terminal.write(`\n  (exit status ${status})\n`);
  if (status !== expected) {
    throw new PortholeError(
      "other",
      `the tour's command ${number} ended with status ${status}, not ${expected}`,
    );
  }
}

/** A server, and its client in another window: each with what it prints. */
async function typeBoth(
  desk: Desk,
  { argv, meanwhile }: Stop,
  typed: (argv: readonly string[]) => string,
): Promise<{ status: number; output: string }> {
  const screen = screenFor(desk);
  const serving = type(desk, argv, screen);
  const port = await Promise.race([screen.shows(/listening on \S+:(\d+)/), serving.then(() => undefined)]);
  const client = port === undefined ? undefined : meanwhile?.(port);
  const answer = client === undefined ? { output: "" } : await type(desk, client);
  const { status, output } = await serving;
  const second = client === undefined ? "" : `\n${typed(client)}\n${answer.output}`;
  return { status, output: `${output.trimEnd()}\n${second}` };
}

function screenFor({ terminal }: Desk): Screen {
  return new Screen(Math.min(100, terminal.columns - 2));
}

/** Runs one command line as main.ts does, with what it prints caught as a terminal would show it. */
async function type(
  desk: Desk,
  argv: readonly string[],
  screen = screenFor(desk),
): Promise<{ status: number; output: string }> {
  const { terminal } = desk;
  const stdin = Object.assign(new PassThrough(), { isTTY: false });
  stdin.end();
  const color = terminal.paint("bold", "") === "" ? "never" : "always";
  const status = await runCommandLine({
    argv: [...argv, "--color", color, "--no-progress"],
    environment: touringEnvironment(terminal.environment),
    platform: "",
    program: desk.program,
    stdin,
    stdout: screen,
    stderr: screen,
    onSignal: () => {},
  });
  return { status, output: screen.text };
}

/**
 * The tour's servers are on this machine, whatever proxies the user has; what is shown must not depend on the user's
 * own settings; and nobody wants a pager for a line or two.
 */
function touringEnvironment(environment: Environment): Environment {
  const others = Object.entries(environment).filter(([name]) => !name.startsWith("PORTHOLE_"));
  return { ...Object.fromEntries(others), NO_PROXY: "*", PAGER: "", XDG_CONFIG_HOME: "/nonexistent" };
}

/** Stands in for a terminal of a given width. */
class Screen extends Writable {
  readonly isTTY = true;
  readonly columns: number;
  text = "";

  constructor(columns: number) {
    super({ decodeStrings: false });
    this.columns = columns;
  }

  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    this.emit("shown");
    done();
  }

  /** Waits for it. @returns what its first group holds */
  shows(wanted: RegExp): Promise<string> {
    return new Promise((resolve) => {
      const look = () => {
        const found = wanted.exec(this.text)?.[1];
        if (found === undefined) return;
        this.off("shown", look);
        resolve(found);
      };
      this.on("shown", look);
      look();
    });
  }
}

function shellWord(word: string): string {
  if (word.includes("$")) return `'${word}'`;
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `"${word}"`;
}

function whereNext(paint: Desk["terminal"]["paint"]): string {
  return `
${paint("bold", "Where to go next")}

  porthole sandbox                 keeps these servers running, to try your own commands on
  porthole protocols               what each protocol can do
  porthole --help                  every verb and option
  porthole VERB --help             one of them, with examples
  porthole completion bash         completion for your shell
  import { connect } from "porthole"; import { startSandbox } from "porthole/sandbox";

  In this folder, \`npx porthole\` runs what the tour ran.
`;
}
