/** Conversations as RFCs write them: `S:` before what the server says, `C:` before what the client says. */
import { expect } from "vitest";
import type { Exchange, PipelineEvent } from "../../src/wire/exchange.js";
import type { CommandPipeline } from "../../src/wire/pipeline.js";

interface Line {
  readonly side: string;
  readonly octets: Buffer;
}

/** The lines of a conversation, each with its CRLF. Indentation and empty lines do not count. */
function linesOf(conversation: string): Line[] {
  return conversation
    .split("\n")
    .map((line) => line.trimStart())
    .filter((line) => line !== "")
    .map((line) => {
      const [, side, words = ""] = /^([CS]):(?: (.*))?$/.exec(line) ?? [];
      if (side === undefined) throw new Error(`neither C: nor S: begins the line '${line}'`);
      return { side, octets: Buffer.from(`${words}\r\n`, "utf8") };
    });
}

/** What the server says, as octets. */
export function serverSays(conversation: string): Buffer {
  return Buffer.concat(linesOf(conversation).map((line) => line.octets));
}

/** What one side says before the other does. */
function turnsOf(conversation: string): Line[] {
  const turns: Line[] = [];
  for (const line of linesOf(conversation)) {
    const turn = turns.at(-1);
    if (turn?.side === line.side)
      turns[turns.length - 1] = { side: line.side, octets: Buffer.concat([turn.octets, line.octets]) };
    else turns.push(line);
  }
  return turns;
}

/** The command of an exchange, without its end. */
export function nameOf(exchange: { readonly command: Uint8Array } | undefined): string {
  return exchange === undefined ? "nobody" : Buffer.from(exchange.command).toString().trimEnd();
}

/** An event as a line to compare. */
function told<R extends { readonly text: string }, E extends Exchange<R>>(
  event: PipelineEvent<R, E>,
): string {
  switch (event.type) {
    case "greeting":
      return `greeting: ${event.reply.text}`;
    case "unsolicited":
      return `unsolicited, during ${nameOf(event.during)}: ${event.reply.text}`;
    case "block":
      return `${nameOf(event.exchange)} | ${event.chunk.toString("latin1")}`;
    case "line":
      return `${nameOf(event.exchange)} - ${event.line.toString("latin1")}`;
    case "block-end":
      return `${nameOf(event.exchange)} whole`;
    case "reply":
      return `${nameOf(event.exchange)}${event.last ? "" : ", and more to come"}: ${event.reply.text}`;
    case "continuation":
      return `${nameOf(event.exchange)} wants data: ${event.reply.text}`;
    case "switch":
      return `${nameOf(event.exchange)} switches: ${event.reply.text}`;
  }
}

/** Feeds octets and takes all events, each as a line; neighbouring octets of one block are put together. */
export function hear<R extends { readonly text: string }, E extends Exchange<R>>(
  pipeline: CommandPipeline<R, E>,
  pieces: readonly Buffer[],
  onEvent: (event: PipelineEvent<R, E>) => void = () => {},
): string[] {
  const events: string[] = [];
  let open: string | undefined;
  for (const piece of pieces) {
    pipeline.feed(piece);
    for (let event = pipeline.nextEvent(); event !== undefined; event = pipeline.nextEvent()) {
      const name = event.type === "block" ? nameOf(event.exchange) : undefined;
      if (event.type === "block" && name === open)
        events.push(`${events.pop() ?? ""}${event.chunk.toString("latin1")}`);
      else events.push(told(event));
      open = name;
      onEvent(event);
    }
  }
  return events;
}

/** All there is to send, put together. */
export function allToSend(pipeline: { nextBytesToSend(): Buffer | undefined }): string {
  let sent = "";
  for (let bytes = pipeline.nextBytesToSend(); bytes !== undefined; bytes = pipeline.nextBytesToSend()) {
    sent += bytes.toString("utf8");
  }
  return sent;
}

/**
 * Holds a pipeline to a conversation: it must send just what stands after `C:`, just there. What the server
 * says is cut by `cut`. Gives the events as lines.
 */
export function play<R extends { readonly text: string }, E extends Exchange<R>>(
  pipeline: CommandPipeline<R, E>,
  conversation: string,
  cut: (octets: Buffer) => readonly Buffer[] = (octets) => [octets],
  onEvent?: (event: PipelineEvent<R, E>) => void,
): string[] {
  const events: string[] = [];
  for (const turn of turnsOf(conversation)) {
    if (turn.side === "C") {
      expect(allToSend(pipeline)).toBe(turn.octets.toString());
    } else {
      expect(allToSend(pipeline)).toBe("");
      events.push(...hear(pipeline, cut(turn.octets), onEvent));
    }
  }
  expect(allToSend(pipeline)).toBe("");
  return events;
}
