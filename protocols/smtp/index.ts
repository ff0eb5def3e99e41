/** SMTP (RFC 5321), message submission (RFC 6409) and LMTP (RFC 2033), in clear, after STARTTLS and under TLS. */
import type { Plugin } from "../../src/plugin.js";
import { meet } from "./hello.js";
import { logIn } from "./login.js";
import { SmtpSession } from "./session.js";

export const plugin: Plugin = {
  async open(target, context) {
    const peer = await meet(target, context);
    try {
      const began = performance.now();
      await logIn(peer, target, context);
      peer.loginMs = performance.now() - began;
      return new SmtpSession(peer, target, context);
    } catch (thrown) {
      await peer.leave();
      throw thrown;
    }
  },
  commands: {},
};
