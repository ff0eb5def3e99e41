/** SASL mechanisms (RFC 4422): what is answered to a server's challenges. No sockets, no base64: octets in, octets out. */
import { createHmac } from "node:crypto";
import { PortholeError } from "../errors.js";
import type { Credentials } from "../plugin.js";
import { SCRAM_SHA_1, SCRAM_SHA_256, saslName } from "./scram.js";

export interface SaslMechanism {
  /** Upper case. */
  readonly name: string;
  readonly kind: Credentials["kind"];
  /** Proves the password without sending it. */
  readonly conceals: boolean;
  /** A login under way. `server` is the one that was meant to be reached. */
  begin(credentials: Credentials, server: SaslServer): SaslConversation;
}

export interface SaslServer {
  readonly host: string;
  readonly port: number;
}

/** What is said, in order. */
export interface SaslConversation {
  /** Sent with the command, where the mechanism begins with the client's words. */
  readonly initial?: Buffer;
  /**
   * The answer to a challenge; undefined when there is nothing left to say.
   * @throws PortholeError `auth` when the challenge shows that the server is not the right one, `protocol` for nonsense
   */
  respond(challenge: Buffer): Buffer | undefined;
  /**
   * The server says that the login is done. Absent where it proves nothing of its own.
   * @param additional what the server sent with its success, where the protocol has a place for it
   * @throws PortholeError `auth` when it has not proved that it knows the password
   */
  verify?(additional?: Buffer): void;
}

/** RFC 4616. */
const PLAIN: SaslMechanism = {
  name: "PLAIN",
  kind: "password",
  conceals: false,
  begin: ({ user, password }) => ({
    initial: Buffer.from(`\0${user}\0${password}`, "utf8"),
    respond: () => undefined,
  }),
};

/** draft-murchison-sasl-login: the challenges are prompts, whose words nobody agrees on. */
const LOGIN: SaslMechanism = {
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
const CRAM_MD5: SaslMechanism = {
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
const XOAUTH2: SaslMechanism = {
  name: "XOAUTH2",
  kind: "token",
  conceals: false,
  begin: ({ user, password }) => ({
    initial: Buffer.from(`user=${user}\x01auth=Bearer ${password}\x01\x01`, "utf8"),
    // A refusal comes as a challenge that says why; an empty answer brings the reply.
    respond: once(Buffer.alloc(0)),
  }),
};

/** RFC 7628, 3.1. */
const OAUTHBEARER: SaslMechanism = {
  name: "OAUTHBEARER",
  kind: "token",
  conceals: false,
  begin: ({ user, password }, { host, port }) => ({
    initial: Buffer.from(
      `n,a=${saslName(user)},\x01host=${host}\x01port=${port}\x01auth=Bearer ${password}\x01\x01`,
      "utf8",
    ),
    // RFC 7628, 3.2.3: a lone 0x01 acknowledges the error.
    respond: once(Buffer.from([1])),
  }),
};

/** RFC 4422, appendix A: who it is, the TLS certificate has said; the user names whom to act as, or nobody. */
const EXTERNAL: SaslMechanism = {
  name: "EXTERNAL",
  kind: "password",
  conceals: true,
  begin: ({ user }) => ({ initial: Buffer.from(user, "utf8"), respond: () => undefined }),
};

/** Best first where nobody can listen: those that let the server keep the password hashed in its own way. */
const ON_SAFE_GROUND: readonly SaslMechanism[] = [
  OAUTHBEARER,
  XOAUTH2,
  PLAIN,
  LOGIN,
  SCRAM_SHA_256,
  SCRAM_SHA_1,
  CRAM_MD5,
];
/** Best first in clear. */
const IN_CLEAR: readonly SaslMechanism[] = [
  SCRAM_SHA_256,
  SCRAM_SHA_1,
  CRAM_MD5,
  OAUTHBEARER,
  XOAUTH2,
  PLAIN,
  LOGIN,
];

/**
 * The mechanisms that both sides know, best first; only the one named `wanted`, when there is one. EXTERNAL is used
 * only when it is wanted: a server offers it to those as well whose certificate means nothing to it.
 */
export function sharedMechanisms(
  offered: readonly string[],
  secure: boolean,
  wanted: string | undefined,
): readonly SaslMechanism[] {
  const known = secure ? ON_SAFE_GROUND : IN_CLEAR;
  const candidates =
    wanted === undefined ? known : [...known, EXTERNAL].filter(({ name }) => name === wanted);
  return candidates.filter(({ name }) => offered.includes(name));
}

/**
 * Credentials are there, and the server has no way to take them: said alike by every protocol.
 * @param offered the server's ways, in its own words
 * @param wanted what `--auth` named
 * @param hint what might help where nothing was named
 */
export function noWayToLogIn(
  offered: readonly string[],
  kind: Credentials["kind"],
  wanted: string | undefined,
  hint?: string,
): PortholeError {
  const list = offered.join(", ") || "none";
  if (wanted !== undefined) {
    const why = offered.includes(wanted)
      ? "cannot be used with these credentials"
      : `is not offered; the server has ${list}`;
    return new PortholeError("auth", `the login by ${wanted} ${why}`, { hint: "--auth names the mechanism" });
  }
  const what = kind === "token" ? "a token" : "a password";
  return new PortholeError("auth", `the server offers no known way to log in with ${what}; it has ${list}`, {
    hint,
  });
}

function once(answer: Buffer): () => Buffer | undefined {
  let given = false;
  return () => {
    if (given) return undefined;
    given = true;
    return answer;
  };
}
