/** FTP: from a target to a session. */
import type { Context, Plugin, Target } from "../../src/plugin.js";
import { commands } from "./commands.js";
import { remember } from "./opened.js";

export const plugin: Plugin = {
  async open(target: Target, context: Context) {
    // basic-ftp takes 30 ms to load: only who connects waits for it.
    const [{ openControl }, { FtpSession }] = await Promise.all([
      import("./login.js"),
      import("./session.js"),
    ]);
    const control = await openControl(target, context);
    const session = new FtpSession(control, target, context);
    remember(target, session);
    return session;
  },
  commands,
};
