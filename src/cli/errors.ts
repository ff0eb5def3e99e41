/** Anything thrown, as the one line (or JSON object) that the user sees and the status that scripts see. */
import { existsSync } from "node:fs";
import { abortReason, isLocalFailure, localError, messageOf, PortholeError, systemCode } from "../errors.js";
import { safeLine, safeText } from "../text/safe.js";
import type { Paint } from "./colors.js";
import { jsonLine } from "./json-line.js";
import { OutputClosed, type Terminal } from "./terminal.js";

const NETWORK_FAILURES: Readonly<Record<string, readonly ["resolve" | "connect" | "timeout", string]>> = {
  ENOTFOUND: ["resolve", "the host name has no address"],
  EAI_AGAIN: ["resolve", "the name server does not answer"],
  ECONNREFUSED: ["connect", "the connection was refused"],
  ECONNRESET: ["connect", "the connection was reset"],
  ECONNABORTED: ["connect", "the connection was aborted"],
  EHOSTUNREACH: ["connect", "the host cannot be reached"],
  ENETUNREACH: ["connect", "the network cannot be reached"],
  EPIPE: ["connect", "the other side closed the connection"],
  ERR_STREAM_PREMATURE_CLOSE: ["connect", "the connection closed before the end"],
  ETIMEDOUT: ["timeout", "the connection timed out"],
};

/** Anything thrown as a PortholeError; what nobody foresaw is `other`, its own message kept. */
export function asPortholeError(thrown: unknown): PortholeError {
  if (thrown instanceof PortholeError) return thrown;
  if (isLocalFailure(thrown)) {
    const path =
      thrown instanceof Error && "path" in thrown && typeof thrown.path === "string"
        ? thrown.path
        : undefined;
    return localError(thrown, path);
  }
  if (thrown instanceof Error && thrown.name === "AbortError") {
    return thrown.cause instanceof PortholeError ? thrown.cause : stopped();
  }
  const network = NETWORK_FAILURES[systemCode(thrown) ?? ""];
  if (network !== undefined) return new PortholeError(network[0], network[1], { cause: thrown });
  return new PortholeError("other", messageOf(thrown), {
    cause: thrown,
    hint: "-vv shows where it happened",
  });
}

function stopped(): PortholeError {
  return abortReason(AbortSignal.abort());
}

/** `porthole: PROTOCOL: what went wrong (the server's own words) - what to do`, without line end. */
export function errorLine(
  error: PortholeError,
  paint: Paint = (_color, text) => text,
  subject?: string,
): string {
  // Many messages tell it themselves.
  const message =
    subject === undefined || error.message.includes(lastNameOf(subject))
      ? error.message
      : `${subject}: ${error.message}`;
  const protocol = error.protocol === undefined ? "" : `${error.protocol}: `;
  const reply = error.reply === undefined ? "" : ` (${safeLine(error.reply.trim())})`;
  const hint = error.hint === undefined ? "" : ` - ${safeLine(error.hint)}`;
  return `${paint("red", "porthole:")} ${protocol}${paint("bold", safeLine(message))}${reply}${hint}`;
}

/** `b.txt` of a URL, as messages have it; the URL itself where it ends in none. */
function lastNameOf(url: string): string {
  const name = /([^/]+)\/?$/.exec(url)?.[1] ?? url;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** How errors are told. */
export interface Voice {
  readonly json?: boolean;
  readonly verbosity?: number;
  /** Masks the run's secrets: a server may repeat the password that it refuses. */
  readonly cover?: (text: string) => string;
  /** Which of several things failed: a URL. */
  readonly subject?: string;
}

/**
 * Says on standard error what went wrong. A reader that left standard output is no fault: nothing is said.
 * @returns the exit status
 */
export function reportError(
  thrown: unknown,
  terminal: Terminal,
  { json = false, verbosity = 0, cover = (text) => text, subject }: Voice,
): number {
  if (thrown instanceof OutputClosed) return 0;
  const error = asPortholeError(thrown);
  const shown = covered(withPlaceHere(error), cover);
  if (json) terminal.say(jsonLine({ error: shown.toJSON() }).trimEnd());
  else terminal.say(errorLine(shown, terminal.paintError, subject));
  if (verbosity >= 2) terminal.say(safeText(cover(stackOf(error))));
  return error.exit;
}

/** A bare name means a host; what is here and has that name is written with `./`. */
function withPlaceHere(error: PortholeError): PortholeError {
  if (error.code !== "resolve" || error.url === undefined) return error;
  const name = /^[a-z][a-z0-9+.-]*:\/\/([\w.-]+)/i.exec(error.url)?.[1];
  if (name === undefined || !existsSync(name)) return error;
  const { code, message, protocol, reply, url, cause } = error;
  const hint = `a name alone is a host's: write ./${name} for what is here`;
  return new PortholeError(code, message, { protocol, reply, hint, url, cause });
}

function covered(error: PortholeError, cover: (text: string) => string): PortholeError {
  const { code, message, protocol, reply, hint, url } = error;
  const safeReply = reply === undefined ? undefined : cover(reply);
  return new PortholeError(code, cover(message), { protocol, reply: safeReply, hint, url });
}

/** The stack and those of its causes. */
function stackOf(error: PortholeError): string {
  const stacks: string[] = [];
  for (let at: unknown = error; at instanceof Error && stacks.length < 8; at = at.cause) {
    stacks.push(at.stack ?? String(at));
  }
  return stacks.join("\ncaused by: ");
}
