/** The mechanisms of SASL but for SCRAM: what each says. */
import { createHmac } from "node:crypto";
import type { SaslMechanism } from "./sasl.js";
import { saslName } from "./scram.js";

/** RFC 4616. */
export const PLAIN: SaslMechanism = {
  name: "PLAIN",
  kind: "password",
  conceals: false,
  begin: ({ user, password }) => ({
    initial: Buffer.from(`\0${user}\0${password}`, "utf8"),
    respond: () => undefined,
  }),
};

/** draft-murchison-sasl-login: the challenges are prompts, whose words nobody agrees on. */
export const LOGIN: SaslMechanism = {
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
export const CRAM_MD5: SaslMechanism = {
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
export const XOAUTH2: SaslMechanism = {
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
export const OAUTHBEARER: SaslMechanism = {
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
export const EXTERNAL: SaslMechanism = {
  name: "EXTERNAL",
  kind: "password",
  conceals: true,
  needsNoSecret: true,
  begin: ({ user }) => ({ initial: Buffer.from(user, "utf8"), respond: () => undefined }),
};

function once(answer: Buffer): () => Buffer | undefined {
  let given = false;
  return () => {
    if (given) return undefined;
    given = true;
    return answer;
  };
}
