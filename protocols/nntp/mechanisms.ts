/** SASL mechanisms (RFC 4643, 2.4): what is answered to a server's challenges. */
import { createHmac } from "node:crypto";
import type { Credentials } from "../../src/plugin.js";

export interface SaslLogin {
  readonly name: string;
  /** Proves the password without sending it. */
  readonly conceals: boolean;
  begin(credentials: Credentials): Conversation;
}

export interface Conversation {
  /** Sent with the command, where the mechanism begins with the client's words. */
  readonly initial?: Buffer;
  /** The answer to a challenge; undefined when there is nothing left to say. */
  respond(challenge: Buffer): Buffer | undefined;
  /** What the server says of itself at the end (283). @throws PortholeError when that is wrong */
  verify?(additional: Buffer): void;
}

/** RFC 2195. */
const CRAM_MD5: SaslLogin = {
  name: "CRAM-MD5",
  conceals: true,
  begin: ({ user, password }) => {
    let answered = false;
    return {
      respond: (challenge) => {
        if (answered) return undefined;
        answered = true;
        return Buffer.from(`${user} ${createHmac("md5", password).update(challenge).digest("hex")}`, "utf8");
      },
    };
  },
};

/** RFC 4616. */
const PLAIN: SaslLogin = {
  name: "PLAIN",
  conceals: false,
  begin: ({ user, password }) => ({
    initial: Buffer.from(`\0${user}\0${password}`, "utf8"),
    respond: () => undefined,
  }),
};

/** Best first. */
export const LOGINS: readonly SaslLogin[] = [CRAM_MD5, PLAIN];
