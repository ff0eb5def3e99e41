/** Files that hold secrets (cookies, logins): read whole, bounded, and written for their owner alone. */
import { randomUUID } from "node:crypto";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { localError, PortholeError, systemCode } from "../../src/errors.js";
import { makeFolders } from "../../src/files/make-folders.js";

const MOST_OCTETS = 8 * 1024 * 1024;

/** Each octet one character; undefined when there is no such file. @throws PortholeError `local` */
export async function readPrivate(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > MOST_OCTETS) throw new PortholeError("local", `${path}: larger than ${MOST_OCTETS} octets`);
    return await readFile(path, "latin1");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return undefined;
    throw localError(thrown, path);
  }
}

/** Whole or not at all; folders on the way are made. @throws PortholeError `local` */
export async function writePrivate(path: string, content: string): Promise<void> {
  const part = `${path}.${randomUUID().slice(0, 8)}.part`;
  try {
    makeFolders(dirname(path), 0o700);
    await writeFile(part, content, { encoding: "latin1", flag: "wx", mode: 0o600 });
    await rename(part, path);
  } catch (thrown) {
    await rm(part, { force: true });
    throw localError(thrown, path);
  }
}
