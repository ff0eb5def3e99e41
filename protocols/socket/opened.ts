/** How a command of this protocol comes to its place and its door to the network. */
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Endpoint } from "../../src/net/endpoint.js";
import type { Context, Invocation, Target } from "../../src/plugin.js";

/** The session that a command is given has the contract's methods alone; what is behind it is found by its target. */
const contexts = new WeakMap<Target, Context>();

export function remember(target: Target, context: Context): void {
  contexts.set(target, context);
}

export interface Opened {
  readonly target: Target;
  readonly context: Context;
}

/** @throws PortholeError `usage` when there is no URL, or one of another protocol */
export async function opened(
  invocation: Invocation,
  url: string | undefined,
  usage: string,
): Promise<Opened> {
  if (url === undefined) throw new PortholeError("usage", "which socket?", { hint: usage });
  const { target, opened = target } = await invocation.open(url);
  const context = contexts.get(opened);
  if (context === undefined)
    throw new PortholeError("usage", `${url} is not a socket's URL`, { hint: usage });
  return { target, context };
}

/** The one URL of a command. @throws PortholeError `usage` when there are none or several */
export function openedOne(invocation: Invocation, usage: string): Promise<Opened> {
  const [url, second] = invocation.words;
  if (second !== undefined) {
    // As nc has it: HOST PORT.
    const place = /^(?:\w+:\/\/)?[^/\s]+$/.test(url ?? "") && /^[\w-]+$/.test(second);
    throw new PortholeError("usage", `one URL, not ${invocation.words.length} words`, {
      hint: place ? `write ${url?.includes("://") ? url : `tcp://${url}`}:${second}` : usage,
    });
  }
  return opened(invocation, url, usage);
}

/** The user set no limit to silence: then a person may be at the other end. */
export function isPatient({ options }: Pick<Invocation, "options">): boolean {
  return options["timeout"] === undefined;
}

/** A connection whose protocol nobody here knows: a transcript hides what looks like a password. */
export async function dial(context: Context, endpoint: Endpoint): Promise<Connection> {
  const connection = await context.dial(endpoint);
  connection.guessSecrets();
  return connection;
}
