/** Whether a server obeys after a TLS handshake what was sent to it in clear before (RFC 3207, 6; CVE-2011-0411). */
import { PortholeError } from "../errors.js";
import type { Dialogue } from "./dialogue.js";

export interface InjectionProbe<R> {
  /** On a connection of its own, which is destroyed. */
  readonly dialogue: Dialogue<R>;
  /** Goes up to where TLS may be asked for. */
  readonly approach: () => Promise<unknown>;
  /** Asks for TLS: `STARTTLS`, with its line end. */
  readonly start: Uint8Array;
  readonly agrees: (reply: R) => boolean;
  /** Travels in the same packet: a command that the server answers as `obeys` tells. */
  readonly injected: Uint8Array;
  /** No answer to a command that no server knows is one. */
  readonly obeys: (reply: R) => boolean;
}

/** A server that ends the connection, or forgets what came ahead, is safe. @throws what the connection fails with before */
export async function takesInjected<R>(probe: InjectionProbe<R>): Promise<boolean> {
  const { dialogue, start, injected, agrees, obeys } = probe;
  try {
    await probe.approach();
    const answer = dialogue.say({
      command: Buffer.concat([start, injected]),
      sendAhead: "alone",
      sequel: (reply) => (agrees(reply) ? "switch" : "nothing"),
    });
    if (!agrees(await answer.reply())) return false;
    await dialogue.startTls();
    const unknown = dialogue.say({ command: Buffer.from("XNOOP\r\n"), sendAhead: "alone" });
    return obeys(await unknown.reply());
  } catch (thrown) {
    if (!(thrown instanceof PortholeError) || thrown.code === "aborted") throw thrown;
    return thrown.code === "protocol" && thrown.message.includes("nobody had asked");
  } finally {
    dialogue.connection.destroy();
  }
}
