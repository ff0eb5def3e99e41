/** A folder for the files of one suite, gone after it. */
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** To be called within `describe`. */
export function temporaryFolder(name: string): { path(file: string): string } {
  const folder = mkdtempSync(join(tmpdir(), `porthole-${name}-`));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return { path: (file) => join(folder, file) };
}
