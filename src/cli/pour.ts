/** Octets to standard output as they come: for programs, which want what the server holds and nothing else. */
import type { Readable } from "node:stream";
import { abortReason, PortholeError } from "../errors.js";
import type { Document } from "../plugin.js";
import type { Terminal } from "./terminal.js";

export interface ShowOptions {
  readonly signal?: AbortSignal;
  /** Octets, decoded, that are read at most. */
  readonly maxSize?: number;
}

/**
 * The whole document to standard output.
 * @throws PortholeError `protocol` past `maxSize`, or the signal's reason; OutputClosed when the reader left
 */
export async function pourDocument(
  document: Document,
  terminal: Terminal,
  options: ShowOptions = {},
): Promise<void> {
  const { held } = document;
  if (held !== undefined) {
    if (options.signal?.aborted === true) throw abortReason(options.signal);
    if (held.length > 0) await terminal.write(withinBound(held, held.length, options.maxSize));
    return;
  }
  await leavingEarly(document.body, terminal, options, async () => {
    for await (const chunk of octets(document.body, options.maxSize)) await terminal.write(chunk);
  });
}

/** Does `act`; when the user or the reader of standard output leaves, the body is given up with them. */
export async function leavingEarly(
  body: Readable,
  terminal: Terminal,
  options: ShowOptions,
  act: () => Promise<void>,
): Promise<void> {
  const stop = AbortSignal.any([terminal.outputClosed, ...(options.signal ? [options.signal] : [])]);
  const leave = (): void => {
    body.destroy(stop.reason instanceof Error ? stop.reason : undefined);
  };
  // Between two chunks nobody else listens, and a failure then must not end the process.
  body.on("error", () => undefined);
  stop.addEventListener("abort", leave, { once: true });
  if (stop.aborted) leave();
  try {
    await act();
  } catch (thrown) {
    terminal.outputClosed.throwIfAborted();
    throw options.signal?.aborted ? abortReason(options.signal) : thrown;
  } finally {
    stop.removeEventListener("abort", leave);
  }
}

/** The body's octets. @throws PortholeError `protocol` as soon as there are more than `maxSize` */
export async function* octets(body: Readable, maxSize?: number): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  for await (const chunk of body) {
    const piece = chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk), "utf8");
    size += piece.length;
    yield withinBound(piece, size, maxSize);
  }
}

/** @param size octets so far, the piece's included */
function withinBound(piece: Uint8Array, size: number, maxSize: number | undefined): Uint8Array {
  if (maxSize === undefined || size <= maxSize) return piece;
  throw new PortholeError("protocol", `the document is larger than the ${maxSize} octets allowed`, {
    hint: "--max-size sets the bound",
  });
}
