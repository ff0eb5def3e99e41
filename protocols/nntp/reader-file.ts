/** The .newsrc file on this machine: read before a list of what is unread, written after an article was read. */
import { randomBytes } from "node:crypto";
import { readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { localError, systemCode } from "../../src/errors.js";
import type { Options } from "../../src/plugin.js";
import { Newsrc } from "./newsrc.js";

/** The file that the options mean; undefined when none of them asks for one. */
export function newsrcPath(options: Options): string | undefined {
  const named = options["newsrc"];
  if (typeof named === "string" && named !== "") return named;
  return options["unread"] === true ? join(homedir(), ".newsrc") : undefined;
}

/** Empty when there is none yet. @throws PortholeError `local` */
export async function readNewsrc(path: string): Promise<Newsrc> {
  try {
    return new Newsrc(await readFile(path, "utf8"));
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return new Newsrc("");
    throw localError(thrown, path);
  }
}

/** Notes an article as read. The file is read anew: another newsreader may have written it meanwhile. */
export async function markRead(path: string, group: string, number: number): Promise<void> {
  const newsrc = await readNewsrc(path);
  if (newsrc.hasRead(group, number)) return;
  newsrc.markRead(group, number);
  // A link stays one: people keep the file among others of its kind.
  const target = await realpath(path).catch(() => path);
  const beside = `${target}.${randomBytes(4).toString("hex")}`;
  try {
    await writeFile(beside, newsrc.toString(), { mode: 0o600 });
    await rename(beside, target);
  } catch (thrown) {
    await rm(beside, { force: true });
    throw localError(thrown, path);
  }
}
