/** `--input FILE`: URLs from a file or from standard input. */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { localError } from "../errors.js";
import type { Desk } from "./command.js";

/** A URL a line; what follows a # is for people. @throws PortholeError `local` */
export async function urlsFromFile({ options, terminal }: Desk): Promise<string[]> {
  const file = options["input"];
  if (typeof file !== "string") return [];
  const content = file === "-" ? await text(terminal.stdin) : await contentOf(file);
  return content
    .split(/\r?\n/)
    .map((line) => line.replace(/(?:^|\s)#.*$/, "").trim())
    .filter((line) => line !== "");
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    throw localError(thrown, file);
  }
}
