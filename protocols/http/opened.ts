/** A command is given a session with the contract's methods alone; what is behind it is found by its target. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Invocation, Target } from "../../src/plugin.js";
import type { Requester, RequestSettings } from "./requester.js";

export interface Opened extends RequestSettings {
  readonly requester: Requester;
  readonly context: Context;
}

const opened = new WeakMap<Target, Opened>();

export function remember(target: Target, facts: Opened): void {
  opened.set(target, facts);
}

/** Opens a web place for a command. @throws PortholeError `usage` when the URL is none */
export async function openFor(
  invocation: Invocation,
  url: string,
): Promise<Opened & { readonly target: Target }> {
  const { target, opened = target } = await invocation.open(url);
  return { ...openedAt(opened), target };
}

/** @throws PortholeError `usage` when no web place was opened by that target */
export function openedAt(target: Target): Opened {
  const facts = opened.get(target);
  if (facts !== undefined) return facts;
  throw new PortholeError("usage", "this wants an http: or https: URL", { url: target.href(target.path) });
}
