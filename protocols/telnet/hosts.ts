/** The same conversation with many hosts, some at a time; one result a line. */
import { readFile } from "node:fs/promises";
import { localError, messageOf, PortholeError } from "../../src/errors.js";
import { outputsOf } from "../../src/net/outlet.js";
import type { StepResult } from "../../src/net/steps.js";
import type { Invocation, JsonObject, Output } from "../../src/plugin.js";
import { jsonOf, lastLine, type Run, shownResult } from "./talk.js";

const JOBS = 4;

/** @throws PortholeError `partial` when some failed, by its own code when all failed in the same way */
export async function* runOnHosts(
  { options }: Invocation,
  file: string,
  talkTo: (url: string, onStep: (step: StepResult) => Promise<void>) => Promise<Run>,
): AsyncGenerator<Output> {
  const urls = await hostsIn(file);
  const jobs = typeof options["jobs"] === "number" ? Math.max(1, options["jobs"]) : JOBS;
  const failures: PortholeError[] = [];
  yield* outputsOf<Output>(async (outlet) => {
    const waiting = [...urls];
    const work = async () => {
      for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) {
        const steps: JsonObject[] = [];
        try {
          const { output, result } = await talkTo(url, async (step) => {
            steps.push({ ...step });
          });
          const text = `${url}: ${result === undefined ? lastLine(output) : shownResult(result)}`;
          await outlet.put({
            kind: "record",
            text,
            data: { url, ok: true, output, steps, ...jsonOf(result) },
          });
        } catch (thrown) {
          const error =
            thrown instanceof PortholeError
              ? thrown
              : new PortholeError("other", messageOf(thrown), { cause: thrown });
          if (error.code === "aborted") throw error;
          failures.push(error);
          await outlet.put({
            kind: "record",
            text: `${url}: FAILED: ${error.message}`,
            data: { url, ok: false, error: error.toJSON(), steps },
          });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(jobs, urls.length) }, work));
  });
  const [first] = failures;
  if (first === undefined) return;
  const alike = failures.length === urls.length && failures.every(({ code }) => code === first.code);
  throw new PortholeError(
    alike ? first.code : "partial",
    `${failures.length} of ${urls.length} hosts failed`,
  );
}

/** A URL or a host a line; blank lines and those that begin with # are left out. */
async function hostsIn(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch((thrown: unknown) => {
    throw localError(thrown, file);
  });
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const urls = lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => (/^[a-z]+:\/\//i.test(line) ? line : `telnet://${line}`));
  if (urls.length > 0) return urls;
  throw new PortholeError("usage", `${file} names no host`, { hint: "one URL or host a line" });
}
