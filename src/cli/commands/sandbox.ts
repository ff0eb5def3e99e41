/** `porthole sandbox`: servers on this machine to try things out on, until Ctrl-C. */
import type { Arrival, Behaviour, Sandbox, StartOptions } from "../../../fixtures/servers/sandbox.js";
import { PortholeError } from "../../errors.js";
import { listenError } from "../../net/listen.js";
import type { Options } from "../../plugin.js";
import { safeLine } from "../../text/safe.js";
import { table } from "../../text/table.js";
import { humanSize } from "../../text/units.js";
import type { Desk } from "../command.js";
import { jsonLine } from "../json-line.js";
import { leaveNotice } from "../sandbox-notice.js";
import { stateFolder } from "../state-folder.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { terminal, options, signal } = desk;
  const { startSandbox } = await import("../../../fixtures/servers/sandbox.js");
  const sandbox = await startSandbox(asked(options)).catch(async (thrown: unknown) => {
    throw await taken(thrown);
  });
  const takeAway = await leaveNotice(stateFolder(terminal.environment), sandbox.urls, hintOf(sandbox));
  try {
    await introduce(sandbox, desk);
    const stop = () => void sandbox.close();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    for await (const arrival of sandbox.arrivals) {
      if (arrival.kind !== "request") {
        await terminal.write(
          options["json"] === true ? jsonLine(arrivalJson(arrival)) : `${told(arrival)}\n`,
        );
      }
    }
  } finally {
    await takeAway();
    await sandbox.close();
  }
  // Ctrl-C is how it is meant to end.
  return 0;
}

function asked(options: Options): StartOptions {
  const { only, host } = options;
  return {
    ...(Array.isArray(only) ? { only: only.flatMap((names) => String(names).split(",")) } : {}),
    ...(typeof host === "string" ? { host } : {}),
    ports: portsOf(options["ports"]),
    behaviour: behaviourOf(options),
  };
}

/** What a listener's failure says of its place (net.Server); anything else is somebody else's. */
async function taken(thrown: unknown): Promise<unknown> {
  if (!(thrown instanceof Error && "address" in thrown && "port" in thrown)) return thrown;
  return await listenError(thrown, { host: String(thrown.address), port: Number(thrown.port) });
}

function portsOf(words: Options[string]): Record<string, number> {
  const ports: Record<string, number> = {};
  for (const word of typeof words === "string" ? words.split(",") : []) {
    const [, scheme = "", digits = ""] = /^([a-z\d]+)=(\d{1,5})$/.exec(word) ?? [];
    if (scheme === "" || Number(digits) > 65_535) {
      throw new PortholeError("usage", `--ports wants SCHEME=N, not '${safeLine(word)}'`, {
        hint: "for example --ports smtp=2525,http=8080",
      });
    }
    ports[scheme] = Number(digits);
  }
  return ports;
}

/** What each server can be told of that. */
function behaviourOf(options: Options): Behaviour {
  const requireTls = options["demand-tls"] === true;
  const requireLogin = options["demand-login"] === true;
  const delay = Number(options["delay"] ?? 0);
  return {
    nntp: { requireTls, requireLogin, delayMs: delay },
    ftp: { requireTls, delayMs: delay },
    smtp: { requireTls, requireLogin, delay },
    pop3: { requireTls, delay },
    imap: { requireTls, delay },
    telnet: { startTls: requireTls },
  };
}

/** How to get in, for the browser's start page. */
function hintOf({ urls, caFile }: Sandbox): string {
  const { user, password } = urls.find((one) => one.user !== undefined) ?? {};
  return [
    ...(user === undefined ? [] : [`log in as ${user}, password ${password ?? ""}`]),
    `for TLS --cacert ${caFile}`,
  ].join("; ");
}

async function introduce(sandbox: Sandbox, { terminal, options }: Desk): Promise<void> {
  if (options["json"] === true) {
    for (const { name, url, user, password } of sandbox.urls) {
      await terminal.write(jsonLine({ name, url, user, password }));
    }
    return;
  }
  const rows = sandbox.urls.map(({ name, url, user = "", password = "", note = "" }) => [
    name,
    url,
    user,
    password,
    note,
  ]);
  const columns = ["name", "URL", "user", "password", "try"].map((title) => ({
    title,
    flexible: title === "try",
  }));
  const width = terminal.outputIsTerminal ? terminal.columns : Number.POSITIVE_INFINITY;
  const lines = [
    ...table(columns, rows, width),
    "",
    `The TLS servers' authority: --cacert ${sandbox.caFile}`,
    "Mails and uploads are told here as they arrive. Ctrl-C ends the sandbox.",
    "",
  ];
  await terminal.write(lines.map((line) => `${line.trimEnd()}\n`).join(""));
}

type Told = Exclude<Arrival, { kind: "request" }>;

function told(arrival: Told): string {
  if (arrival.kind === "upload") {
    return `upload by ${arrival.protocol}: ${safeLine(arrival.path)}, ${humanSize(arrival.size)}`;
  }
  const subject = arrival.subject === "" ? "no subject" : `"${safeLine(arrival.subject)}"`;
  return `mail from ${safeLine(arrival.from || "<>")} to ${arrival.to.map(safeLine).join(", ")}: ${subject}, ${humanSize(arrival.size)}`;
}

function arrivalJson(arrival: Told): object {
  if (arrival.kind === "upload") {
    const { protocol, path, size } = arrival;
    return { arrived: "upload", protocol, path, size };
  }
  const { from, to, subject, size } = arrival;
  return { arrived: "mail", from, to, subject, size };
}
