/** Who acts when a signal fires. */

interface Heeding {
  readonly acts: Set<() => void>;
  readonly listener: () => void;
}

const heeding = new WeakMap<AbortSignal, Heeding>();

/**
 * Calls `act` once when the signal fires, unless it has fired already. Hundreds may heed the one signal of a run, and an
 * EventTarget looks at all of its listeners for each that comes or goes: so it has one, for all of them, as long as there are any.
 * @param act must not throw
 * @returns ends that; may be called more than once
 */
export function whenAborted(signal: AbortSignal, act: () => void): () => void {
  const { acts } = heeding.get(signal) ?? heed(signal);
  acts.add(act);
  return () => {
    if (acts.delete(act) && acts.size === 0) leave(signal);
  };
}

function heed(signal: AbortSignal): Heeding {
  const acts = new Set<() => void>();
  const listener = () => {
    for (const act of acts) {
      acts.delete(act);
      act();
    }
  };
  const begun = { acts, listener };
  heeding.set(signal, begun);
  signal.addEventListener("abort", listener, { once: true });
  return begun;
}

function leave(signal: AbortSignal): void {
  const ended = heeding.get(signal);
  if (ended === undefined) return;
  heeding.delete(signal);
  signal.removeEventListener("abort", ended.listener);
}
