/** `porthole replay FILE`: a recording, served as the server that it was made from. */
import { readFile, stat } from "node:fs/promises";
import { localError, PortholeError } from "../../errors.js";
import { parseRecording } from "../../net/recording.js";
import { replay } from "../../net/replay.js";
import type { Desk } from "../command.js";
import { jsonLine } from "../json-line.js";

/** Octets: a recording is held as a whole. */
const LARGEST = 256 * 1024 ** 2;

export async function run(desk: Desk): Promise<number | undefined> {
  const { terminal, options, signal, words } = desk;
  const [file, ...more] = words;
  if (file === undefined || more.length > 0) {
    throw new PortholeError("usage", "replay wants one recording", { hint: "porthole replay FILE" });
  }
  const recording = parseRecording(await contentOf(file));
  if (!recording.whole) terminal.warn(`${file} has no end: it was cut off or edited`);
  const port = portOf(options["port"]);
  const playing = await replay(recording, {
    port,
    once: options["once"] === true,
    signal,
    tell: (text) => terminal.warn(text),
  });
  try {
    await terminal.write(options["json"] === true ? jsonLine({ url: playing.url }) : `${playing.url}\n`);
    await playing.done;
  } finally {
    await playing.close();
  }
  // Ctrl-C is how it is meant to end.
  return 0;
}

/** @throws PortholeError `usage` */
function portOf(given: unknown): number {
  if (given === undefined) return 0;
  if (typeof given === "number" && Number.isInteger(given) && given >= 0 && given < 65_536) return given;
  throw new PortholeError("usage", "--port wants a number from 0 to 65535");
}

/** @throws PortholeError `local` */
async function contentOf(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > LARGEST) throw new PortholeError("local", `${file}: larger than a recording may be`);
    return await readFile(file, "latin1");
  } catch (thrown) {
    throw localError(thrown, file);
  }
}
