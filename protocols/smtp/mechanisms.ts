/** SASL mechanisms: what is answered to a server's challenges. */
import { createHmac } from "node:crypto";
import type { Credentials } from "../../src/plugin.js";

export interface Mechanism {
  readonly name: string;
  readonly kind: Credentials["kind"];
  /** Proves the password without sending it. */
  readonly conceals: boolean;
  /** A login under way. */
  begin(credentials: Credentials): Login;
}

/** What is said, in order. */
export interface Login {
  /** Sent with the AUTH command, where the mechanism begins with the client's words. */
  readonly initial?: Buffer;
  /** The answer to a challenge; undefined when there is nothing left to say. */
  respond(challenge: Buffer): Buffer | undefined;
}

/** RFC 4616. */
const PLAIN: Mechanism = {
  name: "PLAIN",
  kind: "password",
  conceals: false,
  begin: ({ user, password }) => ({
    initial: Buffer.from(`\0${user}\0${password}`, "utf8"),
    respond: () => undefined,
  }),
};

/** draft-murchison-sasl-login: the challenges are prompts, whose words nobody agrees on. */
const LOGIN: Mechanism = {
  name: "LOGIN",
  kind: "password",
  conceals: false,
  begin: ({ user, password }) => {
    const answers = [user, password];
    return {
      respond: () => {
        const answer = answers.shift();
        return answer === undefined ? undefined : Buffer.from(answer, "utf8");
      },
    };
  },
};

/** RFC 2195. */
const CRAM_MD5: Mechanism = {
  name: "CRAM-MD5",
  kind: "password",
  conceals: true,
  begin: ({ user, password }) => {
    let answered = false;
    return {
      respond: (challenge) => {
        if (answered) return undefined;
        answered = true;
        const digest = createHmac("md5", password).update(challenge).digest("hex");
        return Buffer.from(`${user} ${digest}`, "utf8");
      },
    };
  },
};

/** https://developers.google.com/workspace/gmail/imap/xoauth2-protocol */
const XOAUTH2: Mechanism = {
  name: "XOAUTH2",
  kind: "token",
  conceals: false,
  begin: ({ user, password }) => {
    let toldWhy = false;
    return {
      initial: Buffer.from(`user=${user}\x01auth=Bearer ${password}\x01\x01`, "utf8"),
      // A refusal comes as a challenge that says why; an empty answer brings the reply.
      respond: () => {
        if (toldWhy) return undefined;
        toldWhy = true;
        return Buffer.alloc(0);
      },
    };
  },
};

/** Best first where nobody can listen: those that let the server keep the password hashed. */
const ON_SAFE_GROUND: readonly Mechanism[] = [XOAUTH2, PLAIN, LOGIN, CRAM_MD5];
/** Best first in clear. */
const IN_CLEAR: readonly Mechanism[] = [CRAM_MD5, XOAUTH2, PLAIN, LOGIN];

/** The mechanisms that both sides know, best first; only the one named `wanted`, when there is one. */
export function sharedMechanisms(
  offered: readonly string[],
  secure: boolean,
  wanted: string | undefined,
): readonly Mechanism[] {
  return (secure ? ON_SAFE_GROUND : IN_CLEAR).filter(
    ({ name }) => offered.includes(name) && (wanted === undefined || name === wanted),
  );
}
