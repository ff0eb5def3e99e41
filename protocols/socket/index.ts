/** Sockets themselves: TCP, TLS, UDP and Unix, without a protocol on top. */
import type { Command, Plugin } from "../../src/plugin.js";
import { remember } from "./opened.js";
import { SocketSession } from "./session.js";

/** Each loaded when it is asked for. */
const connect: Command = async function* (invocation) {
  yield* (await import("./connect.js")).connect(invocation);
};
const listen: Command = async function* (invocation) {
  yield* (await import("./listen.js")).listen(invocation);
};
const send: Command = async function* (invocation) {
  yield* (await import("./send.js")).send(invocation);
};
const recv: Command = async function* (invocation) {
  yield* (await import("./recv.js")).recv(invocation);
};
const relay: Command = async function* (invocation) {
  yield* (await import("./relay.js")).relay(invocation);
};

export const plugin: Plugin = {
  // Each call has a connection of its own: whoever listens has nothing to connect to.
  async open(target, context) {
    remember(target, context);
    return new SocketSession(target, context);
  },
  commands: { connect, listen, send, recv, relay },
};
