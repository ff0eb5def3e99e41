/** This machine: files, and messages in Maildir, mbox and eml files. */
import type { Context, Plugin, Session, Target } from "../../src/plugin.js";
import { Life } from "./life.js";
import { checkPlace } from "./path.js";

export const plugin: Plugin = { open, commands: {} };

async function open(target: Target, context: Context): Promise<Session> {
  checkPlace(target);
  const { scheme } = target.url;
  if (scheme === "file") {
    const { FileSession } = await import("./file-session.js");
    return new FileSession(target, context);
  }
  const life = new Life(context.signal);
  const { MessageSession } = await import("./message-session.js");
  return new MessageSession(target, context, await storeOf(scheme, target, context, life), life);
}

async function storeOf(scheme: string, target: Target, context: Context, life: Life) {
  if (scheme === "maildir") return new (await import("./maildir.js")).MaildirStore(target, context, life);
  if (scheme === "mbox") return new (await import("./mbox.js")).MboxStore(target, context, life);
  return new (await import("./eml.js")).EmlStore(target, context, life);
}
