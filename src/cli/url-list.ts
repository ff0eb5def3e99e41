/** `--input FILE`: URLs from a file or from standard input. */
import { promises as files } from "node:fs";
import { localError } from "../errors.js";
import type { Desk } from "./command.js";

/** A URL a line; what follows a # is for people. @throws PortholeError `local` */
export async function urlsFromFile({ options, terminal }: Desk): Promise<string[]> {
  const file = options["input"];
  if (typeof file !== "string") return [];
  const content = file === "-" ? await textOf(terminal.stdin) : await contentOf(file);
  return content
    .split(/\r?\n/)
    .map((line) => line.replace(/(?:^|\s)#.*$/, "").trim())
    .filter((line) => line !== "");
}

/** What an empty list is told as; undefined when there was none to read. */
export function emptyList({ options }: Desk): string | undefined {
  const file = options["input"];
  if (typeof file !== "string") return undefined;
  return `${file === "-" ? "standard input" : file} names no URL`;
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece)));
  return Buffer.concat(pieces).toString("utf8");
}

async function contentOf(file: string): Promise<string> {
  try {
    return await files.readFile(file, "utf8");
  } catch (thrown) {
    throw localError(thrown, file);
  }
}
