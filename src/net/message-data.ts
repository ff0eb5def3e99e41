/** A message or an article handed over, as DATA, POST and IHAVE want it: dots doubled, line ends CRLF alone, never faster than the server takes it. */
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { isLocalFailure, localError, PortholeError } from "../errors.js";
import { DotWriter } from "../wire/dot-writer.js";
import type { Dialogue } from "./dialogue.js";

/** Octets that are put together before they are sent: a composed message comes in many small pieces. */
const SEND_FROM = 16 * 1024;

/**
 * Hands the message over, up to the lone dot. What stops it on our side ends the connection without the dot, so that
 * the server keeps nothing of it.
 * @param tell is told the octets handed over so far
 * @returns the octets of the message
 * @throws PortholeError `local` when the message cannot be read; whatever ended the dialogue
 */
export async function handOver<R>(
  dialogue: Dialogue<R>,
  raw: Readable,
  tell: (done: number) => void = () => {},
): Promise<number> {
  const { connection } = dialogue;
  const writer = new DotWriter();
  let held: Buffer[] = [];
  let holding = 0;
  let done = 0;
  // A source that gives nothing must not outlive the connection.
  const stop = () =>
    raw.destroy(dialogue.failure ?? new PortholeError("aborted", "the connection was closed"));
  connection.once("close", stop);
  try {
    for await (const piece of raw) {
      const chunk = octetsOf(piece);
      const octets = writer.write(chunk);
      held.push(octets);
      holding += octets.length;
      done += chunk.length;
      if (holding < SEND_FROM) continue;
      await dialogue.supply(Buffer.concat(held));
      held = [];
      holding = 0;
      tell(done);
      // A server that breaks off in the middle is heard before more is sent.
      await sleep(0);
    }
  } catch (thrown) {
    const failure = dialogue.failure ?? sourceFailure(thrown);
    connection.destroy();
    throw failure;
  } finally {
    connection.off("close", stop);
  }
  await dialogue.supplyLast(Buffer.concat([...held, writer.end()]));
  return done;
}

/** What comes out of a stream, as octets. @throws PortholeError `usage` */
export function octetsOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === "string") return Buffer.from(piece, "utf8");
  throw new PortholeError("usage", "a message is a stream of octets");
}

/** A file that cannot be read is no fault of the server's. */
export function sourceFailure(thrown: unknown): unknown {
  if (!isLocalFailure(thrown)) return thrown;
  const path =
    thrown instanceof Error && "path" in thrown && typeof thrown.path === "string" ? thrown.path : undefined;
  return localError(thrown, path);
}
