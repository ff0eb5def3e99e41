/** Where FTP's own commands find the session behind the one that they are given. */
import { PortholeError } from "../../src/errors.js";
import type { Invocation, Target } from "../../src/plugin.js";
import type { Control } from "./control.js";
import type { FtpSession } from "./session.js";

/** The session that a command is given has the contract's methods alone; what is behind it is found by its target. */
const sessions = new WeakMap<Target, FtpSession>();

export function remember(target: Target, session: FtpSession): void {
  sessions.set(target, session);
}

export interface Opened {
  readonly session: FtpSession;
  readonly control: Control;
  readonly target: Target;
}

/** @throws PortholeError `usage` for what is no ftp: URL */
export async function openUrl(invocation: Invocation, url: string, usage: string): Promise<Opened> {
  const { target, opened = target } = await invocation.open(url);
  const session = sessions.get(opened);
  if (session === undefined) throw new PortholeError("usage", `${url} is not an ftp: URL`, { hint: usage });
  return { session, control: await session.control(), target };
}
