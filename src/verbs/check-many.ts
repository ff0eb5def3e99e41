/** Many targets at once: the steps of all of them, in the order in which they are done. */
import { abortReason } from "../errors.js";
import type { Target } from "../plugin.js";
import { type CheckDoor, type CheckLimits, type CheckResult, checkTarget } from "./check.js";

/** Targets at the same time, when nothing else was asked for. */
const JOBS = 128;

export interface CheckManyLimits extends CheckLimits {
  readonly jobs?: number;
}

/**
 * @throws PortholeError what a target's `checkTarget` throws; the others are left then
 */
export async function* checkMany(
  targets: readonly { readonly target: Target; readonly door: CheckDoor }[],
  limits: CheckManyLimits = {},
): AsyncGenerator<CheckResult, void, undefined> {
  const stop = new AbortController();
  const signal = limits.signal === undefined ? stop.signal : AbortSignal.any([limits.signal, stop.signal]);
  const results: CheckResult[] = [];
  let wake: () => void = () => undefined;
  const waiting = targets.values();
  const work = async () => {
    // All workers take from the same iterator.
    for (const { target, door } of waiting) {
      for await (const result of checkTarget(target, door, { ...limits, signal })) {
        results.push(result);
        wake();
      }
    }
  };
  const workers = Array.from({ length: Math.min(limits.jobs ?? JOBS, targets.length) }, work);
  let ended = false;
  const end = Promise.all(workers).then(
    () => undefined,
    (failure: unknown) => ({ failure }),
  );
  void end.then(() => {
    ended = true;
    wake();
  });
  try {
    while (!ended || results.length > 0) {
      const result = results.shift();
      if (result !== undefined) yield result;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (ended || results.length > 0) resolve();
        });
      }
    }
    const failed = await end;
    if (limits.signal?.aborted === true) throw abortReason(limits.signal);
    if (failed !== undefined) throw failed.failure;
  } finally {
    stop.abort();
    await Promise.allSettled(workers);
  }
}
