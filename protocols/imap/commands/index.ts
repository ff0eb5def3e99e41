/** What only IMAP can do: `porthole imap COMMAND URL ...`. */
import type { Command } from "../../../src/plugin.js";
import * as folders from "./folders.js";
import * as messages from "./messages.js";
import * as server from "./server.js";

export const commands: Readonly<Record<string, Command>> = {
  folders: folders.folders,
  status: folders.status,
  flag: messages.flag,
  unflag: messages.unflag,
  copy: messages.copy,
  move: messages.move,
  expunge: messages.expunge,
  create: folders.create,
  rename: folders.rename,
  delete: folders.remove,
  subscribe: folders.subscribe,
  unsubscribe: folders.unsubscribe,
  quota: folders.quota,
  acl: folders.acl,
  metadata: folders.metadata,
  namespace: folders.namespace,
  sort: messages.sort,
  thread: messages.thread,
  id: server.id,
  enable: server.enable,
  proxyauth: server.proxyauth,
  capability: server.capability,
  quote: server.quote,
  export: messages.exportMbox,
};
