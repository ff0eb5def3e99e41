/** Where plain sockets and Telnet are put to the test: a server that says one long thing and closes. */
import { createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { type Listening, listen } from "../../fixtures/servers/listening.js";
import { script } from "../../fixtures/servers/scripted.js";
import type { Outgoing } from "../../src/plugin.js";
import type { Place } from "./place.js";

const SIZE = 5 * 1024 ** 2;
/** Lines as the network's terminal has them, so that Telnet changes nothing. */
const SAID = Buffer.alloc(SIZE, "The light turns and the water shines, again and again.\r\n");

let listening: Listening | undefined;

export async function startStreamServer(): Promise<void> {
  listening = await listen(createServer(say), "127.0.0.1", 0);
}

export async function stopStreamServer(): Promise<void> {
  await listening?.close();
}

function say(socket: Socket): void {
  socket.on("error", () => undefined);
  socket.resume();
  Readable.from(pieces()).pipe(socket);
}

function* pieces(): Generator<Buffer> {
  for (let at = 0; at < SIZE; at += 65_536) yield SAID.subarray(at, at + 65_536);
}

/** Octets go as they are; of a script, the lines that it sends. */
const SENDING: Readonly<Record<"telnet" | "socket", Partial<Place>>> = {
  telnet: {
    outgoing: ({ type = "text/plain" } = {}) => octetsOf("- send: The north mole is lit.\n", type),
    onTheWire: () => ["The north mole is lit.\r\n"],
  },
  socket: {
    folder: "/",
    keepsNothing: true,
    outgoing: ({ type = "text/plain" } = {}) => octetsOf("The north mole is lit.\r\n\0\xff", type),
    onTheWire: (octets) => [octets],
  },
};

function octetsOf(text: string, type: string): Outgoing {
  const octets = Buffer.from(text, "latin1");
  return {
    kind: "octets",
    source: { body: Readable.from([octets], { objectMode: false }), size: octets.length, type },
  };
}

export const STREAM_PLACES: readonly Place[] = (["telnet", "socket"] as const).map((protocol) => {
  const scheme = protocol === "telnet" ? "telnet" : "tcp";
  return {
    protocol,
    scheme,
    url: () => `${scheme}://127.0.0.1:${listening?.port ?? 0}`,
    readable: { path: "", content: SAID },
    big: { path: "", size: SIZE },
    ...SENDING[protocol],
    // Nothing is asked for: who connects is told.
    overture: script(),
    greets: false,
    // Whatever comes is what there is, and so is nothing; a peer need not answer what it is sent.
    formless: {
      silent: protocol === "socket" ? ["write", "send"] : [],
      closed: ["read", "write", "send"],
      garbage: ["read", "write", "send"],
      "endless line": ["read", "write", "send"],
    },
  };
});
