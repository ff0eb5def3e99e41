/** Connects, and settles what is to be told of us. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Options, Policy, Session, Target } from "../../src/plugin.js";
import { TELNET_OPTION } from "../../src/wire/telnet.js";
import { charactersOf } from "./characters.js";
import { TelnetSession } from "./session.js";
import { TelnetStream } from "./stream.js";

/** Milliseconds in which a server that can start TLS says so. */
const TLS_WAIT = 10_000;
const COLUMNS = 80;
const ROWS = 24;

/** The session that a command is given has the contract's methods alone; its credentials are found by its target. */
const contexts = new WeakMap<Target, Context>();

export function contextOf(target: Target): Context | undefined {
  return contexts.get(target);
}

/** @throws PortholeError `connect`, `tls`, `usage` for options that cannot be */
export async function openSession(target: Target, context: Context): Promise<Session> {
  contexts.set(target, context);
  return new TelnetSession(await connect(target, context), target, () => connect(target, context));
}

async function connect(target: Target, context: Context): Promise<TelnetStream> {
  const { options, policy } = context;
  const charset = options["charset"];
  const term = options["term"];
  const characters = typeof charset === "string" ? await charactersOf(charset) : undefined;
  const window = windowOf(options["window"]);
  const environment = environmentOf(options, target.url.user);
  const connection = await context.dial({
    host: target.host,
    port: target.port,
    scheme: target.url.scheme,
    ...(target.tls === "always" ? { tls: {} } : {}),
  });
  // What a person types must not wait for the answer to what they typed before.
  connection.setNoDelay();
  const stream = new TelnetStream(connection, {
    terminal: typeof term === "string" ? term : undefined,
    ...window,
    sized: options["window"] !== undefined,
    environment,
    characters,
    startTls: agreesToTls(policy, connection.loopback),
    note: (text) => context.note(text),
  });
  if (policy.starttls === "require" && !connection.secure) await secured(stream, target);
  return stream;
}

/** Unsaid: where it is offered, but in clear on loopback, where nothing leaves the machine. */
function agreesToTls({ starttls }: Policy, loopback: boolean): boolean {
  if (starttls === undefined) return !loopback;
  return starttls !== "never";
}

async function secured(stream: TelnetStream, target: Target): Promise<void> {
  stream.begin();
  stream.request("us", TELNET_OPTION.START_TLS, true);
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const refuse = () =>
        reject(
          stream.errored ??
            new PortholeError("tls", `${target.host} does not start TLS`, {
              hint: "use telnets:, or leave out --starttls require",
            }),
        );
      timer = setTimeout(refuse, TLS_WAIT);
      stream.once("secure", resolve);
      stream.once("close", refuse);
      stream.on("option", ({ side, option, on }) => {
        if (side === "us" && option === TELNET_OPTION.START_TLS && !on) refuse();
      });
    });
  } catch (thrown) {
    stream.destroy();
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
}

/** `COLSxROWS`. @throws PortholeError `usage` */
export function windowOf(written: unknown): { columns: number; rows: number } {
  if (typeof written !== "string") return { columns: COLUMNS, rows: ROWS };
  const [, columns, rows] = /^(\d{1,5})[x,](\d{1,5})$/i.exec(written) ?? [];
  if (columns === undefined || rows === undefined) {
    throw new PortholeError("usage", `--window takes COLSxROWS, not '${written}'`, {
      hint: "for example 132x43",
    });
  }
  return { columns: Number(columns), rows: Number(rows) };
}

/** @throws PortholeError `usage` */
function environmentOf(options: Options, user: string | undefined): Map<string, string> {
  const environment = new Map<string, string>();
  if (user !== undefined) environment.set("USER", user);
  const given = options["environment"];
  for (const item of Array.isArray(given) ? given : []) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(item) ?? [];
    if (name === undefined || value === undefined) {
      throw new PortholeError("usage", `--environment takes NAME=VALUE, not '${item}'`);
    }
    environment.set(name, value);
  }
  return environment;
}
