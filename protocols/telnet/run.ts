/** `porthole telnet run URL --expect A --send B`: a session by program. */
import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { localError, PortholeError } from "../../src/errors.js";
import type { Conversation } from "../../src/net/conversation.js";
import { outputsOf } from "../../src/net/outlet.js";
import { runSteps, type StepResult, type TalkStep, talkSteps } from "../../src/net/steps.js";
import { type Invocation, type Output, stepsOf } from "../../src/plugin.js";
import { encodeSegment } from "../../src/url.js";
import { logOf, type SessionLog } from "./log.js";
import { logIn } from "./login.js";
import { contextOf } from "./open.js";
import { TelnetStream } from "./stream.js";
import { FIRST_WORD, jsonOf, type Run, SETTLE, STEP_WAIT, shownResult, talkOver } from "./talk.js";

const USAGE = 'porthole telnet run telnet://HOST --expect "login:" --send NAME';
/** Octets of a session that are kept for `--json` and for `--hosts`. */
const MOST_KEPT = 16 * 1024 * 1024;

/** How a script leads the conversation: the default export of its module. */
type Script = (talk: Conversation, facts: { readonly url: string; readonly signal: AbortSignal }) => unknown;

export async function* run(invocation: Invocation): AsyncGenerator<Output> {
  const { options } = invocation;
  const plan = await planOf(invocation);
  const log = await logOf(options);
  try {
    yield* runOn(invocation, plan, log);
  } finally {
    await log?.close();
  }
}

async function* runOn(
  invocation: Invocation,
  plan: Plan,
  log: SessionLog | undefined,
): AsyncGenerator<Output> {
  const { options, words } = invocation;
  if (typeof options["hosts"] === "string") {
    if (words.length > 0)
      throw new PortholeError("usage", "--hosts names the hosts, and a URL does too", { hint: USAGE });
    const { runOnHosts } = await import("./hosts.js");
    yield* runOnHosts(invocation, options["hosts"], (url, onStep) =>
      converse(invocation, url, plan, async () => {}, onStep),
    );
    return;
  }
  const [url, second] = words;
  if (url === undefined || second !== undefined) {
    throw new PortholeError("usage", url === undefined ? "which host?" : "one URL at a time", {
      hint: USAGE,
    });
  }
  const json = options["json"] === true;
  const raw = options["raw"] === true;
  yield* outputsOf<Output>(async (outlet) => {
    const told = async (octets: Uint8Array) => {
      await log?.add(octets);
      if (!json) await outlet.put({ kind: "octets", octets, raw });
    };
    const onStep = async (step: StepResult) => {
      if (json) await outlet.put({ kind: "record", text: "", data: { event: "step", ...step } });
    };
    const { output, result } = await converse(invocation, url, plan, told, onStep);
    if (json) {
      const given = jsonOf(result);
      await outlet.put({ kind: "record", text: "", data: { event: "end", ok: true, output, ...given } });
    } else if (result !== undefined) {
      // A prompt that waits has no line end.
      const apart = output === "" || output.endsWith("\n") ? "" : "\n";
      await outlet.put({ kind: "record", text: apart + shownResult(result), data: {} });
    }
  });
}

interface Plan {
  readonly steps: readonly TalkStep[];
  readonly script: Script | undefined;
}

/** All that may be wrong on this side is found before the first host is troubled. */
async function planOf({ options, stdin }: Invocation): Promise<Plan> {
  const steps = talkSteps(stepsOf(options, ["expect", "send"]));
  const file = options["script"];
  if (typeof file !== "string") return { steps, script: undefined };
  if (file === "-" || /\.ya?ml$/i.test(file)) {
    const { parseScript, readScript, runScript } = await import("./script-file.js");
    const body = file === "-" ? stdin : createReadStream(file);
    const written = await parseScript(await readScript(body, file), file === "-" ? "the script" : file);
    const timeout = typeof options["timeout"] === "number" ? options["timeout"] * 1000 : STEP_WAIT;
    return { steps, script: (talk) => runScript(talk, written, timeout) };
  }
  await access(file).catch((thrown: unknown) => {
    throw localError(thrown, file);
  });
  const { defaultOf } = await import("./script-module.js");
  const script = await defaultOf(file);
  if (!isScript(script)) {
    throw new PortholeError("usage", `${file} exports no function by default`, {
      hint: "export default async (talk) => { await talk.expect('login:'); ... }",
    });
  }
  return {
    steps,
    script: async (talk, facts) => {
      try {
        return await script(talk, facts);
      } catch (thrown) {
        // An error of its own kind is a slip of the script's: where it happened counts.
        if (!(thrown instanceof Error) || thrown.constructor.name !== "Error") throw thrown;
        throw new PortholeError("refused", `${file}: ${thrown.message}`, { cause: thrown });
      }
    },
  };
}

function isScript(value: unknown): value is Script {
  return typeof value === "function";
}

async function converse(
  invocation: Invocation,
  url: string,
  plan: Plan,
  told: (octets: Uint8Array) => Promise<void>,
  onStep: (step: StepResult) => Promise<void>,
): Promise<Run> {
  const { options, signal } = invocation;
  const milliseconds = (name: string, usual: number) =>
    typeof options[name] === "number" ? options[name] * 1000 : usual;
  const timeout = milliseconds("timeout", STEP_WAIT);
  const { session, target, opened = target } = await invocation.open(withUser(url, options["login"]));
  const stream = await session.interact?.();
  if (!(stream instanceof TelnetStream)) throw new Error("a Telnet session can always be talked to");
  const kept: Buffer[] = [];
  let octetsKept = 0;
  const talk = talkOver(stream, {
    timeout,
    onOctets: async (octets) => {
      octetsKept += octets.length;
      if (octetsKept <= MOST_KEPT) kept.push(Buffer.from(octets));
      await told(octets);
    },
  });
  try {
    if (options["login"] !== undefined || options["user"] !== undefined) {
      const context = contextOf(opened);
      const { connection } = stream;
      const credentials = await context?.credentials({ connection, required: true });
      if (credentials === undefined) {
        throw new PortholeError("auth", "no password for the login", {
          hint: "--password-command, PORTHOLE_PASSWORD, netrc or the URL can give one",
        });
      }
      await logIn(talk, credentials, timeout);
    }
    for await (const step of runSteps(talk, plan.steps, (text) => talk.sendLine(text), timeout))
      await onStep(step);
    const result = plan.script === undefined ? undefined : await plan.script(talk, { url, signal });
    // What the last line that was sent is answered with is part of the session.
    if (plan.steps.at(-1)?.kind === "send" || (plan.steps.length === 0 && plan.script === undefined)) {
      await talk.waitForText(Math.min(timeout, FIRST_WORD));
      await talk.settle(milliseconds("settle", SETTLE), timeout);
    }
    const output = Buffer.concat(kept).toString("utf8");
    return { output, ...(result === undefined ? {} : { result }) };
  } catch (thrown) {
    const silent =
      thrown instanceof PortholeError && (thrown.code === "timeout" || thrown.code === "connect");
    if (silent && stream.refusedTls)
      thrown.hint = "the server asked for TLS and was refused: --starttls require agrees to it";
    throw thrown;
  } finally {
    stream.destroy();
  }
}

/** The password is looked for by host and user, and both stand in the URL. */
function withUser(url: string, user: unknown): string {
  if (typeof user !== "string" || /^[a-z]+:\/\/[^/]*@/i.test(url)) return url;
  return url.replace(
    /^([a-z]+:\/\/)?/i,
    (scheme: string) => `${scheme || "telnet://"}${encodeSegment(user)}@`,
  );
}
