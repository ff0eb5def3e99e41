/** Telnet (RFC 854): from a target to a session. */
import type { Command, Plugin } from "../../src/plugin.js";
import { openSession } from "./open.js";

/** Loaded when it is asked for. */
const run: Command = async function* (invocation) {
  yield* (await import("./run.js")).run(invocation);
};

export const plugin: Plugin = { open: openSession, commands: { run } };
