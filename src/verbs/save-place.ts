/** Where a document is saved: which file, what stands there already, and whether it may be written. */
import { existsSync, realpathSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { localError, PortholeError } from "../errors.js";
import { existsAlready } from "../files/atomic-file.js";
import { makeFolders } from "../files/make-folders.js";
import type { Document } from "../plugin.js";
import { findPartialIn } from "./partial-file.js";

/** A file whose name is only known when the server has answered. */
export interface NamedInFolder {
  readonly folder: string;
  /** It is known to be there: something has been saved in it. */
  readonly isThere?: boolean;
  /** One safe name, without folders. */
  readonly nameOf: (document: Document) => string;
  /** The name that it gets unless the server proposes another. */
  readonly expected?: string;
}

export interface PlaceRequest {
  readonly url: string;
  /** The file it goes to, or the folder where it gets a name. Devices and named pipes are written to directly. */
  readonly path: string | NamedInFolder;
  /** Replace an existing file. */
  readonly replace?: boolean;
  /** Replace an existing file when the original is newer, and leave it otherwise. */
  readonly ifChanged?: boolean;
  /** Continue what an earlier run left. */
  readonly resume?: boolean;
  /** Told the file's path before anything is written; may refuse it by throwing. */
  readonly claim?: (path: string) => void;
}

export interface Place {
  readonly path: string;
  readonly existing: Existing;
}

type Existing =
  | { readonly kind: "none" }
  | { readonly kind: "device" }
  | { readonly kind: "file"; readonly path: string; readonly mode: number };

/** What is known of the place before the server is asked. */
export interface PlaceBefore {
  /** Undefined when the answer decides the name. */
  readonly place?: Place;
  /** The folder that it is named in is there. */
  readonly hasFolder: boolean;
}

/** @throws PortholeError `local` when it cannot be written, or must not */
export async function placeBefore(request: PlaceRequest): Promise<PlaceBefore> {
  const { path, url } = request;
  if (typeof path === "string") return { place: checked(path, request), hasFolder: false };
  const hasFolder = path.isThere === true || isFolder(path.folder);
  const partial = request.resume === true ? await findPartialIn(path.folder, url) : undefined;
  return partial === undefined ? { hasFolder } : { place: checked(partial, request), hasFolder };
}

/** The place for this document. @throws PortholeError `local` when it cannot be written, or must not */
export function placeFor(document: Document, request: PlaceRequest, { hasFolder }: PlaceBefore): Place {
  const { path } = request;
  if (typeof path === "string") return checked(path, request);
  if (!hasFolder) makeFolder(path.folder);
  return checked(join(path.folder, path.nameOf(document)), request);
}

function checked(path: string, request: PlaceRequest): Place {
  const existing = inspect(path);
  const mayReplace = request.replace === true || request.ifChanged === true;
  if (existing.kind === "file" && !mayReplace) throw existsAlready(path);
  if (existing.kind !== "device") request.claim?.(existing.kind === "file" ? existing.path : path);
  return { path, existing };
}

/** What stands under the target's name; a symbolic link means the file it leads to. */
function inspect(path: string): Existing {
  try {
    const facts = factsOf(path);
    if (facts === undefined) return { kind: "none" };
    if (facts.isDirectory())
      throw new PortholeError("local", `${path}: is a folder`, { hint: "-d DIR saves into one" });
    if (!facts.isFile()) return { kind: "device" };
    return { kind: "file", path: realpathSync(path), mode: facts.mode & 0o7777 };
  } catch (thrown) {
    throw localError(thrown, path);
  }
}

/** To look takes the system less time than to have another thread look: of many small files that is half of the time. */
function factsOf(path: string): Stats | undefined {
  // Mostly there is nothing, which is learnt with less.
  return existsSync(path) ? statSync(path, { throwIfNoEntry: false }) : undefined;
}

/** What is not there yet is made when something has come to be put there. @throws PortholeError `local` for a file */
function isFolder(path: string): boolean {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts?.isDirectory() === false) {
    throw new PortholeError("local", `${path}: is not a folder`, {
      hint: "-d DIR names the folder to save into",
    });
  }
  return facts !== undefined;
}

function makeFolder(path: string): void {
  try {
    makeFolders(path);
  } catch (thrown) {
    throw localError(thrown, path);
  }
}
