/** `--if-changed`: what is known of the copy that is there, what to ask by, and whether the answer is about the same. */
import { promises as files } from "node:fs";
import { join } from "node:path";
import type { Document, ReadQuery } from "../plugin.js";
import type { PlaceRequest } from "./save-place.js";

/** A copy that is there. */
export interface Copy {
  readonly path: string;
  readonly modified: Date;
  readonly size: number;
  /** The server's own word for it, where that was kept. */
  readonly version?: string;
}

export interface CopyRequest extends PlaceRequest {
  /** Where versions of saved files are kept; by date alone without it. */
  readonly stateFolder?: string;
}

export async function copyAt(path: string, { url, stateFolder }: CopyRequest): Promise<Copy | undefined> {
  const facts = await files.stat(path).catch(() => undefined);
  if (facts?.isFile() !== true) return undefined;
  const copy = { path, modified: facts.mtime, size: facts.size };
  if (stateFolder === undefined) return copy;
  const { versionOfSaved } = await import("./saved-versions.js");
  const version = await versionOfSaved(stateFolder, url, { ...copy, path: await realPath(path) });
  return version === undefined ? copy : { ...copy, version };
}

/** The file that the document would get by its URL, where only the server's answer tells its name. */
export async function likelyCopy(request: CopyRequest): Promise<Copy | undefined> {
  const { ifChanged, path } = request;
  if (ifChanged !== true || typeof path === "string" || path.expected === undefined) return undefined;
  return copyAt(join(path.folder, path.expected), request);
}

/** Asks for something newer. */
export function newerThan({ modified, version }: Copy): ReadQuery {
  return { since: modified, ...(version === undefined ? {} : { known: version }) };
}

/** By the server's word, or by version, or date and size, where it does not heed the question. */
export function isUnchanged(document: Document, copy: Copy): boolean {
  const { unchanged, entry, total } = document;
  if (unchanged === true) return true;
  const version = versionOf(document);
  if (version !== undefined && copy.version !== undefined) return version === copy.version;
  const size = total ?? entry.size;
  return (
    entry.modified !== undefined && size === copy.size && entry.modified.getTime() <= copy.modified.getTime()
  );
}

export function versionOf({ version, validator }: Document): string | undefined {
  return version ?? validator;
}

/** Writes down which version the file is of, for the next time. */
export async function keepVersion(
  request: CopyRequest,
  path: string,
  version: string | undefined,
): Promise<void> {
  const { stateFolder, url, ifChanged } = request;
  if (ifChanged !== true || stateFolder === undefined || version === undefined) return;
  const { rememberVersion } = await import("./saved-versions.js");
  await rememberVersion(stateFolder, url, await realPath(path), version);
}

/** One file, one name. */
function realPath(path: string): Promise<string> {
  return files.realpath(path).catch(() => path);
}
