/** A Telnet session as a conversation, and what one by program comes to. */
import { Conversation, type ConversationOptions } from "../../src/net/conversation.js";
import type { JsonObject } from "../../src/plugin.js";
import { TELNET_OPTION } from "../../src/wire/telnet.js";
import type { TelnetStream } from "./stream.js";

/** Milliseconds that a step may wait, where the user did not say. */
export const STEP_WAIT = 60_000;
/** Milliseconds in which the first of an answer comes, where nothing else tells. */
export const FIRST_WORD = 5000;
/** Milliseconds of silence after which an answer is whole, where the user did not say. */
export const SETTLE = 1000;

/** What a run of one session came to. */
export interface Run {
  readonly output: string;
  /** What a script gave back. */
  readonly result?: unknown;
}

export function talkOver(
  stream: TelnetStream,
  options: Pick<ConversationOptions, "timeout" | "onOctets">,
): Conversation {
  return new Conversation(stream, {
    ...options,
    // What the Enter key is: a CR, which only a network's terminal makes a line end of (RFC 856).
    lineEnd: () => (stream.isOn("us", TELNET_OPTION.BINARY) ? "\r" : "\n"),
  });
}

/** A prompt that waits is no answer; the line before it is. */
export function lastLine(output: string): string {
  const lines = output.split(/\r?\n|\r/);
  const whole = lines.slice(0, -1).filter((line) => line.trim() !== "");
  return whole.at(-1) ?? lines.at(-1) ?? "";
}

/** What a script gave back, for `--json`: nothing when it gave nothing. */
export function jsonOf(result: unknown): JsonObject {
  if (result === undefined) return {};
  // What JSON cannot hold is left out, as JSON itself does.
  const plain: JsonObject[string] = JSON.parse(JSON.stringify(result) ?? "null");
  return { result: plain };
}

/** For people, and for a line of a result. */
export function shownResult(result: unknown): string {
  return typeof result === "string" ? result : JSON.stringify(result);
}
