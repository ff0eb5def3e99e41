/** What `check` tells of a Gopher server: whether it answers. */
import type { CheckStep } from "../../src/plugin.js";

/** @param beginning of the answer @param ms from the dialing to it */
export function answeredStep(beginning: Buffer, ms: number): CheckStep {
  const octets = beginning.length;
  return {
    step: "roundtrip",
    ok: true,
    ms,
    detail: octets === 0 ? "an empty document" : `the answer began with ${octets} octets`,
  };
}
