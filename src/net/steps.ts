/** `--expect A --send B ...`: a conversation written down as steps, done in the order given. */
import { PortholeError } from "../errors.js";
import type { Conversation } from "./conversation.js";
import { type Pattern, parsePattern, shownPattern } from "./pattern.js";

export type TalkStep =
  | { readonly kind: "expect"; readonly pattern: Pattern }
  | { readonly kind: "send"; readonly text: string };

/** What became of a step. */
export interface StepResult {
  /** From 1. */
  readonly step: number;
  readonly kind: TalkStep["kind"];
  /** As on the command line. */
  readonly value: string;
  readonly ms: number;
  /** For `expect`: what came up to and with what was found. */
  readonly output: string;
}

/** @throws PortholeError `usage` for a pattern that is none */
export function talkSteps(steps: readonly { readonly flag: string; readonly value: string }[]): TalkStep[] {
  return steps.map(({ flag, value }) =>
    flag === "expect" ? { kind: "expect", pattern: parsePattern(value) } : { kind: "send", text: value },
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
    const shown = step.kind === "expect" ? shownPattern(step.pattern) : step.text;
    let output = "";
    try {
      if (step.kind === "send") await send(step.text);
      else {
        const found = await talk.expect(step.pattern, { timeout });
        output = found.before + found.text;
      }
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || thrown.code === "usage") throw thrown;
      throw new PortholeError(thrown.code, `step ${index + 1} of ${steps.length}: ${thrown.message}`, {
        reply: thrown.reply,
        hint: thrown.hint,
        cause: thrown,
      });
    }
    yield { step: index + 1, kind: step.kind, value: shown, ms: performance.now() - began, output };
  }
}
