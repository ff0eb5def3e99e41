/** Sessions by the place they were opened for: the protocol's own commands reach what the contract has no word for. */
import { PortholeError } from "../../src/errors.js";
import type { Invocation, Session, Target } from "../../src/plugin.js";
import { GopherSession } from "./session.js";

const sessions = new WeakMap<Target, GopherSession>();

export function remember(target: Target, session: GopherSession): GopherSession {
  sessions.set(target, session);
  return session;
}

export interface Opened {
  readonly target: Target;
  readonly session: Session;
  readonly gopher: GopherSession;
}

/** @throws PortholeError as opening does */
export async function openedBy(invocation: Invocation, url: string): Promise<Opened> {
  const { target, session, opened = target } = await invocation.open(url);
  const gopher = sessions.get(opened);
  if (!(gopher instanceof GopherSession)) throw new PortholeError("usage", `${url} is no gopher: URL`);
  return { target, session, gopher };
}

/** The one URL of a command. @throws PortholeError `usage` */
export function urlOf({ words }: Invocation): string {
  const [url, ...more] = words;
  if (url === undefined || more.length > 0) throw new PortholeError("usage", "one URL is wanted");
  return url;
}
