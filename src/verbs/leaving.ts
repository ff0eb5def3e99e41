/** A document that is left when the user leaves. */
import type { Readable } from "node:stream";
import { whenAborted } from "../abort.js";
import { abortReason, type PortholeError } from "../errors.js";
import type { Document } from "../plugin.js";

export interface Leaving extends Disposable {
  /** The error to throw when the signal has fired. */
  aborted(): PortholeError | undefined;
  check(): void;
}

/** Destroys the body when the signal fires, so that waiting for the next chunk ends at once. */
export function leaveOnAbort(document: Document, signal: AbortSignal | undefined): Leaving {
  const aborted = (): PortholeError | undefined =>
    signal?.aborted === true ? abortReason(signal) : undefined;
  // What has come already is not waited for.
  const unheeded = document.held === undefined ? heeding(document.body, signal, aborted) : undefined;
  return {
    aborted,
    check: () => {
      const reason = aborted();
      if (reason !== undefined) throw reason;
    },
    [Symbol.dispose]: () => {
      unheeded?.();
    },
  };
}

/** @returns ends it */
function heeding(
  body: Readable,
  signal: AbortSignal | undefined,
  aborted: () => PortholeError | undefined,
): (() => void) | undefined {
  const leave = (): void => {
    body.destroy(aborted());
  };
  // The iteration reports a failure; between two chunks nobody else listens, and that must not end the process.
  body.on("error", () => undefined);
  const unheeded = signal === undefined ? undefined : whenAborted(signal, leave);
  if (signal?.aborted === true) leave();
  return unheeded;
}
