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

/**
 * @param hint what a person must know to get in
 * @returns what takes the note away again
 */
export async function leaveNotice(
  folder: string,
  places: readonly SandboxPlace[],
  hint: string,
): Promise<() => Promise<void>> {
  const path = noticePath(folder);
  const shown = places.map(({ name, url }) => ({ name, url }));
  const text = JSON.stringify({ pid: process.pid, hint, places: shown });
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

export interface SandboxNotice {
  readonly hint: string;
  readonly places: readonly SandboxPlace[];
}

const NOTHING: SandboxNotice = { hint: "", places: [] };

/** What a sandbox that still runs offers; nothing when there is none. */
export async function noticeOfSandbox(folder: string): Promise<SandboxNotice> {
  try {
    const text = await readFile(noticePath(folder), "utf8");
    const notice: JsonValue = JSON.parse(text.slice(0, LONGEST));
    if (typeof notice !== "object" || notice === null || !("pid" in notice)) return NOTHING;
    const { pid, hint, places } = notice;
    if (typeof pid !== "number" || !isRunning(pid) || !Array.isArray(places)) return NOTHING;
    const known = places.flatMap((place: JsonValue) => {
      if (typeof place !== "object" || place === null || !("url" in place)) return [];
      const { name, url } = place;
      return typeof name === "string" && typeof url === "string" ? [{ name, url }] : [];
    });
    return { hint: typeof hint === "string" ? hint : "", places: known };
  } catch {
    return NOTHING;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
