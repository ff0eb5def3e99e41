/** What the system says when it cannot, as errors of Porthole. */
import { EXIT_STATUS, localError, messageOf, PortholeError, systemCode } from "../../src/errors.js";
import { existsAlready } from "../../src/files/atomic-file.js";

/**
 * Not there, and on this machine: verbs treat it like a server's "not there", scripts see the exit status that
 * docs/cli.md gives to local files.
 */
export class MissingFile extends PortholeError {
  override get exit(): number {
    return EXIT_STATUS.local;
  }
}

/** @param shown the path at fault, as messages name it */
export function failure(thrown: unknown, shown: string): PortholeError {
  if (thrown instanceof PortholeError) return thrown;
  const code = systemCode(thrown);
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new MissingFile("missing", `${shown}: no such file or folder`, {
      reply: messageOf(thrown).replace(/,.*$/s, ""),
      cause: thrown,
    });
  }
  return code === "EEXIST" ? existsAlready(shown) : localError(thrown, shown);
}

/** Runs a call of the file system; its failure names the path. */
export async function orFail<T>(shown: string, act: () => Promise<T> | T): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    throw failure(thrown, shown);
  }
}

export function isFolder(shown: string): PortholeError {
  return new PortholeError("local", `${shown}: is a folder`, { hint: "ls lists it" });
}

/** True for what came and went while it was looked at. */
export function isGone(thrown: unknown): boolean {
  if (!(thrown instanceof PortholeError)) return systemCode(thrown) === "ENOENT";
  return thrown.code === "missing" || systemCode(thrown.cause) === "ENOENT";
}

/** A listing that is not all of what is there. */
export function unlisted(folders: number): PortholeError {
  return new PortholeError("partial", `${folders} folders could not be listed`);
}
