/** Who acts when a signal fires. */

const heeding = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `act` once when the signal fires, unless it has fired already. Hundreds may heed the one signal of a run, and an
 * EventTarget looks at all of its listeners for each that comes or goes: so it has one, for all of them.
 * @param act must not throw
 * @returns ends that; may be called more than once
 */
export function whenAborted(signal: AbortSignal, act: () => void): () => void {
  const acts = heeding.get(signal) ?? heed(signal);
  acts.add(act);
  return () => {
    acts.delete(act);
  };
}

function heed(signal: AbortSignal): Set<() => void> {
  const acts = new Set<() => void>();
  heeding.set(signal, acts);
  signal.addEventListener(
    "abort",
    () => {
      for (const act of acts) {
        acts.delete(act);
        act();
      }
    },
    { once: true },
  );
  return acts;
}
