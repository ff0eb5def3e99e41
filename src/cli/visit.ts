/** One session at a target, for work that only reads: repeated, with --retry, as long as nothing was shown of it. */
import type { SessionKeeper } from "../client.js";
import type { Session, Target } from "../plugin.js";
import { repeatWhilePossible } from "../repeat.js";
import type { Desk } from "./command.js";

/** What an attempt came to: a failure after part of it was shown must not be repeated. */
type Outcome<T> = { readonly value: T } | { readonly failure: unknown };

/**
 * @param act gets the session and the number of the attempt, from 1
 * @param keeper gives and keeps sessions for several visits of one server
 * @throws PortholeError, by its code; whatever `act` throws
 */
export async function visit<T>(
  desk: Desk,
  target: Target,
  act: (session: Session, attempt: number) => Promise<T>,
  keeper?: SessionKeeper,
): Promise<T> {
  const { client, signal, terminal } = desk;
  const before = terminal.written;
  let attempt = 0;
  const outcome = await repeatWhilePossible<Outcome<T>>(
    client.policy.retries,
    signal,
    (text) => terminal.warn(client.transcript.cover(text)),
    async () => {
      attempt += 1;
      try {
        const use = (session: Session) => act(session, attempt);
        return { value: await client.use(target, use, client.signal, keeper) };
      } catch (failure) {
        if (terminal.written === before) throw failure;
        return { failure };
      }
    },
  );
  if ("failure" in outcome) throw outcome.failure;
  return outcome.value;
}
