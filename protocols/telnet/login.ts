/** A login by program, as people do it: wait for the question, answer, see whether it was accepted. */
import { PortholeError } from "../../src/errors.js";
import type { Conversation } from "../../src/net/conversation.js";
import type { Credentials } from "../../src/plugin.js";

const ASKS_NAME = /(?:login|user ?name|user|account)[^\S\r\n]?:[^\S\r\n]*$/i;
const ASKS_PASSWORD = /pass(?:word|code|phrase)[^:\r\n]{0,60}:[^\S\r\n]*$/i;
const REFUSAL = /(?:incorrect|invalid|fail(?:ed|ure)|denied|refused|wrong|bad)[^\r\n]{0,80}/i;
const QUIET = 300;

/**
 * @param timeout milliseconds for each answer
 * @throws PortholeError `auth` when the login is refused, `timeout` when nothing is asked
 */
export async function logIn(talk: Conversation, credentials: Credentials, timeout: number): Promise<void> {
  const asked = await talk.expect([ASKS_NAME, ASKS_PASSWORD], { timeout });
  if (asked.index === 0) {
    await talk.sendLine(credentials.user);
    await talk.expect(ASKS_PASSWORD, { timeout });
  }
  await talk.sendLine(credentials.password);
  // What follows is a greeting and a prompt, a refusal, or the same question again.
  await talk.readSome({ timeout }).then((text) => refuseIfRefused(text, credentials));
  const closed = await talk.settle(QUIET, timeout);
  const said = talk.take();
  refuseIfRefused(said, credentials);
  if (closed || ASKS_NAME.test(said) || ASKS_PASSWORD.test(said)) throw refused(credentials, said);
  talk.putBack(said);
}

function refuseIfRefused(said: string, credentials: Credentials): void {
  const words = REFUSAL.exec(said)?.[0];
  if (words !== undefined && !/last login/i.test(said)) throw refused(credentials, said);
}

function refused({ user }: Credentials, said: string): PortholeError {
  const line = said.trim().split(/[\r\n]+/)[0];
  return new PortholeError("auth", `the login as ${user} was refused`, {
    reply: line === "" ? undefined : line,
  });
}
