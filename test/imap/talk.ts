/** Pieces of scripts of IMAP servers, and what only tests of IMAP do with a session. */
import { buffer } from "node:stream/consumers";
import { conversation, type Script } from "../../fixtures/servers/scripted.js";
import type { ManyRead, Session } from "../../src/plugin.js";
import { talksOf } from "../talk.js";

export { ANN, all, failure, listed, octets } from "../talk.js";

/** A greeting, and a login by LOGIN, after which these are offered. */
export function welcome(...capabilities: readonly string[]): Script {
  const offered = ["IMAP4rev1", ...capabilities].join(" ");
  return conversation(`
    S: * OK [CAPABILITY ${offered}] ready
    C: A1 LOGIN "ann" "open sesame"
    S: A1 OK [CAPABILITY ${offered}] come in
  `);
}

/** A mailbox of so many messages, opened for reading by the command with this tag. */
export function opens(tag: string, exists: number, command = "EXAMINE"): Script {
  return conversation(`
    C: ${tag} ${command} "INBOX"
    S: * ${exists} EXISTS
    S: * OK [UIDVALIDITY 17] valid
    S: ${tag} OK [${command === "EXAMINE" ? "READ-ONLY" : "READ-WRITE"}] open
  `);
}

export const { talk, plays, openFailure } = talksOf("imap", false);

/** The octets of each, or the code of its error. */
export async function many(session: Session, paths: readonly string[]): Promise<string[]> {
  if (session.readMany === undefined) throw new Error("the session has no readMany()");
  const given = async function* () {
    yield* paths;
  };
  const taken: string[] = [];
  for await (const result of session.readMany(given())) taken.push(await told(result));
  return taken;
}

async function told(result: ManyRead): Promise<string> {
  return "error" in result ? result.error.code : (await buffer(result.document.body)).toString("latin1");
}
