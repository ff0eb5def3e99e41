/** Folders made with all above them. */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { systemCode } from "../errors.js";
import type { FilePath } from "./disk.js";

/**
 * Makes a folder, and those that it lies in where they are not there yet; does nothing where it is there. Node's own
 * `recursive` never returns where a system says of a folder's child that it does not exist (`/proc/x`).
 * @param mode of folders that are made
 * @throws the system's error
 */
export function makeFolders(path: FilePath, mode = 0o777): void {
  // Mostly it is there, and to look costs less than an error.
  if (isFolder(path)) return;
  try {
    mkdirSync(path, mode);
  } catch (thrown) {
    const code = systemCode(thrown);
    // Somebody else made it meanwhile.
    if (code === "EEXIST" && isFolder(path)) return;
    const above = parentOf(path);
    if (code !== "ENOENT" || above === undefined || isFolder(above)) throw thrown;
    makeFolders(above, mode);
    mkdirSync(path, mode);
  }
}

function isFolder(path: FilePath): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    // A file stands above it: what makes it says so.
    return false;
  }
}

/** Octets stay octets: a name may not be UTF-8. */
function parentOf(path: FilePath): FilePath | undefined {
  const above =
    typeof path === "string" ? dirname(path) : Buffer.from(dirname(path.toString("latin1")), "latin1");
  return above.length < path.length ? above : undefined;
}
