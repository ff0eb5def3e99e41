import { expect, it } from "vitest";
import { localError, PortholeError } from "../../src/errors.js";
import { Failures } from "../../src/verbs/failures.js";

function failures(): { readonly failures: Failures<string>; readonly told: string[] } {
  const told: string[] = [];
  const tell = async (subject: string) => void told.push(subject);
  return { failures: new Failures(tell, new AbortController().signal), told };
}

it.each([
  ["a side that is gone", new PortholeError("connect", "connection refused")],
  ["a disk that is full", localError(Object.assign(new Error("full"), { code: "ENOSPC" }), "x")],
])("%s ends the job with the fifth in a row, and no earlier", async (_what, error) => {
  const { failures: job, told } = failures();
  for (let at = 0; at < 4; at++) await job.addOrStop(`a${at}`, error);
  job.reached();
  for (let at = 0; at < 4; at++) await job.addOrStop(`b${at}`, error);
  await expect(job.addOrStop("b4", error)).rejects.toBe(error);
  expect(told).toHaveLength(9);
});

it("what is refused ends nothing", async () => {
  const { failures: job, told } = failures();
  for (let at = 0; at < 20; at++) await job.addOrStop(`a${at}`, new PortholeError("refused", "no"));
  expect(told).toHaveLength(20);
});
