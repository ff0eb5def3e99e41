/** From a target to the session that was opened for it: what SMTP's own commands and its library reach behind the contract with. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Invocation, Target } from "../../src/plugin.js";
import type { SmtpSession } from "./session.js";

const SESSIONS = new WeakMap<Target, SmtpSession>();

export function remember(target: Target, session: SmtpSession): void {
  SESSIONS.set(target, session);
}

/** @throws PortholeError `usage` when no mail server was opened by that target */
export function openedAt(target: Target): SmtpSession {
  const session = SESSIONS.get(target);
  if (session !== undefined) return session;
  throw new PortholeError("usage", "this wants the URL of a mail server", { url: target.href(target.path) });
}

/** The place behind a URL, not yet connected to. @throws PortholeError `usage` when it is not a mail server's */
export function reached(invocation: Invocation, url: string): { target: Target; context: Context } {
  if (invocation.reach !== undefined) return invocation.reach(url);
  throw new PortholeError("other", "this command wants connections of its own, and cannot have them here");
}
