/** Where the transcript goes: -v to standard error, --trace to a file, --record to a recording. */
import { createWriteStream, type WriteStream } from "node:fs";
import { localError } from "../errors.js";
import { RecordingWriter } from "../net/recording.js";
import type { Transcript, TranscriptEvent } from "../net/transcript.js";
import type { Options } from "../plugin.js";
import type { Terminal } from "./terminal.js";
import { transcriptLines, transcriptView } from "./transcript-view.js";

/** @returns what ends the views and closes the files @throws PortholeError `local` when a file cannot be written */
export async function startTranscript(
  transcript: Transcript,
  options: Options,
  terminal: Terminal,
): Promise<() => Promise<void>> {
  const verbosity = Number(options["verbose"] ?? 0);
  const stops: (() => void | Promise<void>)[] = [];
  if (verbosity > 0) stops.push(transcript.subscribe(transcriptView(terminal, verbosity)));
  if (options["transcript"] === "swaks") {
    const { swaksLines } = await import("./swaks-view.js");
    const lines = swaksLines();
    stops.push(
      transcript.subscribe((event) => {
        for (const line of lines(event)) terminal.say(line);
      }),
    );
  }
  const { trace, record } = { trace: options["trace"], record: options["record"] };
  if (typeof trace === "string") {
    stops.push(await writeTo(trace, transcript, (event) => transcriptLines(event, Math.max(1, verbosity))));
  }
  if (typeof record === "string") {
    const writer = new RecordingWriter();
    stops.push(
      await writeTo(record, transcript, (event) => writer.lines(event), {
        head: () => writer.head(new Date()),
        end: () => writer.end(),
      }),
    );
  }
  return async () => {
    for (const stop of stops) await stop();
  };
}

async function writeTo(
  path: string,
  transcript: Transcript,
  lines: (event: TranscriptEvent) => readonly string[],
  frame?: { readonly head: () => readonly string[]; readonly end: () => readonly string[] },
): Promise<() => Promise<void>> {
  const file = await openForWriting(path);
  const write = (texts: readonly string[]) => {
    for (const text of texts) file.write(`${text}\n`);
  };
  if (frame !== undefined) write(frame.head());
  const unsubscribe = transcript.subscribe((event) => write(lines(event)));
  return () =>
    new Promise((resolve, reject) => {
      unsubscribe();
      if (frame !== undefined) write(frame.end());
      file.once("error", (error) => reject(localError(error, path)));
      file.end(() => resolve());
    });
}

/** Readable by its owner alone: what is masked is what was known to be secret. */
function openForWriting(path: string): Promise<WriteStream> {
  return new Promise((resolve, reject) => {
    const file = createWriteStream(path, { mode: 0o600 });
    file.once("open", () => resolve(file));
    file.once("error", (error) => reject(localError(error, path)));
  });
}
