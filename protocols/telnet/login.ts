/** A login by program, as people do it: wait for the question, answer, see whether it was accepted. */
import { PortholeError } from "../../src/errors.js";
import type { Conversation } from "../../src/net/conversation.js";
import { ASKS_PASSWORD } from "../../src/net/typed-secrets.js";
import type { Credentials } from "../../src/plugin.js";

const ASKS_NAME = /(?:login|user ?name|user|account)[^\S\r\n]?:[^\S\r\n]*$/i;
const REFUSAL = /^(?!last\b).*\b(?:incorrect|invalid|failed|failure|denied|refused|wrong)\b.*$/im;
/** What shells and routers end a prompt with. */
const PROMPT = /[$#%>\]] ?$/;
/** Milliseconds of silence after words that do not look like a prompt. */
const QUIET = 1000;
const SHORT_QUIET = 50;

/**
 * @param timeout milliseconds for each answer
 * @throws PortholeError `auth` when the login is refused, `timeout` when nothing is asked
 */
export async function logIn(talk: Conversation, credentials: Credentials, timeout: number): Promise<void> {
  const asked = await asksFor("a login", talk.expect([ASKS_NAME, ASKS_PASSWORD], { timeout }), timeout);
  if (asked.index === 0) {
    await talk.sendLine(credentials.user);
    await asksFor("the password", talk.expect(ASKS_PASSWORD, { timeout }), timeout);
  }
  await talk.sendLine(credentials.password);
  // The line end comes at once; the verdict may take its seconds, so that nobody can guess fast.
  let said = "";
  let closed = false;
  while (said.trim() === "" && !closed) {
    said += await talk.readSome({ timeout });
    closed = talk.ended;
  }
  if (!closed) closed = await talk.settle(PROMPT.test(said) ? SHORT_QUIET : QUIET, timeout);
  said += talk.take();
  if (closed || REFUSAL.test(said) || ASKS_NAME.test(said) || ASKS_PASSWORD.test(said)) {
    throw refused(credentials, said);
  }
  // A greeting and a prompt: the next step may wait for them.
  talk.putBack(said);
}

/** The patterns that a question is known by are none of the user's words. */
async function asksFor<T>(what: string, asked: Promise<T>, timeout: number): Promise<T> {
  try {
    return await asked;
  } catch (thrown) {
    if (!(thrown instanceof PortholeError) || !(thrown.code === "timeout" || thrown.code === "connect"))
      throw thrown;
    const { code, reply, hint, cause } = thrown;
    // A connection that failed tells why; one that was closed tells nothing but that.
    if (code === "connect" && cause !== undefined) throw thrown;
    const how = code === "timeout" ? `within ${timeout / 1000} s` : "and closed the connection";
    throw new PortholeError(code, `the far side did not ask for ${what} ${how}`, {
      reply,
      hint,
      cause: thrown,
    });
  }
}

function refused({ user }: Credentials, said: string): PortholeError {
  const line = REFUSAL.exec(said)?.[0] ?? said.trim().split(/[\r\n]+/)[0];
  return new PortholeError("auth", `the login as ${user} was refused`, {
    reply: line === "" ? undefined : line?.trim(),
  });
}
