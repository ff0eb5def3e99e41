/** `--expect A --send B ...`: a conversation written down as steps, done in the order given. */
import { PortholeError } from "../errors.js";
import type { Conversation } from "./conversation.js";
import { type Pattern, parsePattern } from "./pattern.js";

export type TalkStep =
  | { readonly kind: "expect"; readonly text: string; readonly pattern: Pattern }
  | { readonly kind: "send"; readonly text: string };

/** What became of a step. */
export interface StepResult {
  /** Whether it came about; one that did not is the last, and its error follows. */
  readonly ok: boolean;
  /** From 1. */
  readonly step: number;
  readonly kind: TalkStep["kind"];
  /** As on the command line. */
  readonly value: string;
  /** To the microsecond. */
  readonly ms: number;
  /** For `expect`: what came up to and with what was found, or all that came when nothing was. */
  readonly output: string;
}

/** @throws PortholeError `usage` for a pattern that is none */
export function talkSteps(steps: readonly { readonly flag: string; readonly value: string }[]): TalkStep[] {
  return steps.map(({ flag, value }) =>
    flag === "expect"
      ? { kind: "expect", text: value, pattern: parsePattern(value) }
      : { kind: "send", text: value },
  );
}

/**
 * Does the steps one by one.
 * @param send how the text of a `send` step goes out
 * @param timeout milliseconds for each `expect` step
 * @throws PortholeError that names the step: `timeout`, `connect`
 */
export async function* runSteps(
  talk: Conversation,
  steps: readonly TalkStep[],
  send: (text: string) => Promise<void>,
  timeout: number,
): AsyncGenerator<StepResult, void, undefined> {
  for (const [index, step] of steps.entries()) {
    const began = performance.now();
    const result = (ok: boolean, output: string): StepResult => {
      const ms = Math.round((performance.now() - began) * 1000) / 1000;
      return { ok, step: index + 1, kind: step.kind, value: step.text, ms, output };
    };
    let output = "";
    try {
      if (step.kind === "send") await send(step.text);
      else {
        const found = await talk.expect(step.pattern, { timeout });
        output = found.before + found.text;
      }
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || thrown.code === "usage") throw thrown;
      const came = talk.take();
      talk.putBack(came);
      yield result(false, came);
      throw new PortholeError(thrown.code, `step ${index + 1} of ${steps.length}: ${thrown.message}`, {
        reply: thrown.reply,
        hint: thrown.hint,
        cause: thrown,
      });
    }
    yield result(true, output);
  }
}
