/** SMTP (RFC 5321), message submission (RFC 6409) and LMTP (RFC 2033), in clear, after STARTTLS and under TLS. */
import type { Plugin } from "../../src/plugin.js";
import { commands } from "./commands/index.js";
import { deliveryOf } from "./delivery.js";
import { meetExchanger } from "./exchangers.js";
import { logIn } from "./login.js";
import { remember } from "./opened.js";
import { SmtpSession } from "./session.js";

export const plugin: Plugin = {
  async open(target, context) {
    // What no server could be told is found before one is troubled.
    deliveryOf(context.options);
    const { peer, target: there } = await meetExchanger(target, context);
    try {
      const began = performance.now();
      await logIn(peer, there, context);
      peer.loginMs = performance.now() - began;
      const session = new SmtpSession(peer, there, context);
      remember(target, session);
      return session;
    } catch (thrown) {
      await peer.leave();
      throw thrown;
    }
  },
  commands,
};
