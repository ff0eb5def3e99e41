/** The secret that Cancel-Locks are made of (RFC 8315, 4): the first line of a file. */
import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { localError, PortholeError, systemCode } from "../../src/errors.js";
import type { Options } from "../../src/plugin.js";

/** The file that tin has, too: an article posted with one can be cancelled with the other. */
const USUAL = ".cancelsecret";
const LARGEST = 64 * 1024;

/**
 * Undefined when there is none: articles then go out without a lock. A file that `--cancel-secret` names must be there;
 * an empty name wants none.
 * @throws PortholeError `local`
 */
export async function readCancelSecret(
  options: Options,
  warn: (text: string) => void,
): Promise<string | undefined> {
  const named = options["cancel-secret"];
  if (named === "") return undefined;
  const path = typeof named === "string" ? named : join(homedir(), USUAL);
  try {
    const { mode, size } = await stat(path);
    if (size > LARGEST) {
      throw new PortholeError("local", `${path} is larger than ${LARGEST} octets`, {
        hint: "its first line is to be a secret",
      });
    }
    const [secret = ""] = (await readFile(path, "utf8")).split(/\r?\n/, 1);
    if (secret === "") {
      throw new PortholeError("local", `${path} has no secret in its first line`, {
        hint: `\`openssl rand -base64 32 > ${path}\` makes one`,
      });
    }
    // Windows has no such modes: it tells 0o666 for every file.
    if ((mode & 0o077) !== 0 && (mode & 0o777) !== 0o666) {
      warn(`others can read the secret in ${path} - chmod 600 keeps it to yourself`);
    }
    return secret;
  } catch (thrown) {
    if (typeof named !== "string" && systemCode(thrown) === "ENOENT") return undefined;
    throw thrown instanceof PortholeError ? thrown : localError(thrown, path);
  }
}
