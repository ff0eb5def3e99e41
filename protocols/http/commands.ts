/** What runs behind each command of the manifest; a command's code is loaded when it is used. */
import type { Command, Invocation } from "../../src/plugin.js";

const request = (method?: string): Command =>
  async function* run(invocation: Invocation) {
    const { requestCommand } = await import("./request-command.js");
    yield* requestCommand(method)(invocation);
  };

export const commands: Readonly<Record<string, Command>> = {
  get: request("GET"),
  head: request("HEAD"),
  post: request("POST"),
  put: request("PUT"),
  patch: request("PATCH"),
  delete: request("DELETE"),
  options: request("OPTIONS"),
  request: request(),
  async *ws(invocation) {
    yield* (await import("./websocket.js")).websocketCommand(invocation);
  },
  async *xmlrpc(invocation) {
    yield* (await import("./xmlrpc/command.js")).xmlrpcCommand(invocation);
  },
};
