/** IMAP4rev1 and rev2 (RFC 3501, RFC 9051) with their extensions, in clear, after STARTTLS and under TLS. */
import type { Plugin } from "../../src/plugin.js";
import { Account } from "./account.js";
import { remember } from "./commands/accounts.js";
import { commands } from "./commands/index.js";
import { ImapSession } from "./session.js";

export const plugin: Plugin = {
  async open(target, context) {
    const account = await Account.open(target, context);
    remember(target, account);
    return new ImapSession(account);
  },
  commands,
};
