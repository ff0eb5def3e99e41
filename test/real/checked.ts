/** `check` of one server, as lines: `step grade`, and the weaknesses it named. */
import { check } from "../../src/checking.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { CheckResult } from "../../src/verbs/check.js";

export interface Checked {
  readonly lines: readonly string[];
  readonly weaknesses: readonly string[];
  readonly tls: CheckResult["tls"];
  readonly results: readonly CheckResult[];
}

export async function checked(url: string, settings: ClientSettings): Promise<Checked> {
  const results: CheckResult[] = [];
  for await (const result of check(new Client(settings), [url])) results.push(result);
  return {
    lines: results.map(({ step, ok, grade }) => `${step} ${ok ? grade : "FAILED"}`),
    weaknesses: results.flatMap(({ weaknesses }) => weaknesses.map(({ what }) => what)),
    tls: results.find(({ step }) => step === "tls")?.tls,
    results,
  };
}
