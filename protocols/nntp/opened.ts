/** From a target to the session that was opened for it: what this protocol's own commands reach behind the contract with. */

import { PortholeError } from "../../src/errors.js";
import type { Invocation, Target } from "../../src/plugin.js";
import type { NewsSession } from "./session.js";

const SESSIONS = new WeakMap<Target, NewsSession>();

export function remember(target: Target, session: NewsSession): void {
  SESSIONS.set(target, session);
}

/** Opens a URL for a command. @throws PortholeError */
export async function openNews(
  invocation: Invocation,
  url: string,
): Promise<{ session: NewsSession; target: Target }> {
  const { target, opened = target } = await invocation.open(url);
  const session = SESSIONS.get(opened);
  if (session === undefined) throw new PortholeError("other", "the session is not one of NNTP");
  return { session, target };
}
