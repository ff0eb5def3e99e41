/** A running sandbox leaves a note of what it offers, so that the browser's start page can show it. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolders } from "../files/make-folders.js";
import type { JsonValue } from "../plugin.js";

export interface SandboxPlace {
  readonly name: string;
  readonly url: string;
}

const LONGEST = 64 * 1024;

function noticePath(folder: string): string {
  return join(folder, "sandbox.json");
}

/** @returns what takes the note away again */
export async function leaveNotice(
  folder: string,
  places: readonly SandboxPlace[],
): Promise<() => Promise<void>> {
  const path = noticePath(folder);
  const text = JSON.stringify({ pid: process.pid, places: places.map(({ name, url }) => ({ name, url })) });
  try {
    makeFolders(folder, 0o700);
    await writeFile(path, text, { mode: 0o600 });
  } catch {
    // Where nothing can be kept the sandbox does without.
    return async () => undefined;
  }
  return async () => {
    // Another sandbox may have written its own since.
    if ((await readFile(path, "utf8").catch(() => "")) === text) await rm(path, { force: true });
  };
}

/** What a sandbox that still runs offers; empty when there is none. */
export async function placesOfSandbox(folder: string): Promise<SandboxPlace[]> {
  try {
    const text = await readFile(noticePath(folder), "utf8");
    const notice: JsonValue = JSON.parse(text.slice(0, LONGEST));
    if (typeof notice !== "object" || notice === null || !("pid" in notice)) return [];
    const { pid, places } = notice;
    if (typeof pid !== "number" || !isRunning(pid) || !Array.isArray(places)) return [];
    return places.flatMap((place: JsonValue) => {
      if (typeof place !== "object" || place === null || !("url" in place)) return [];
      const { name, url } = place;
      return typeof name === "string" && typeof url === "string" ? [{ name, url }] : [];
    });
  } catch {
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
