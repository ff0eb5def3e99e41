/** One side of a mirror, listed whole: by the names that its things have at the target. */
import { PortholeError } from "../errors.js";
import { globMatcher } from "../files/glob.js";
import { isContainer, standingAt } from "./cp-plan.js";
import type { Door } from "./doors.js";
import { shownName } from "./names.js";
import { type Found, walk } from "./walk.js";

/** What a mirror is about: `--include` and `--exclude`. */
export interface Selection {
  readonly takesFile: (names: readonly string[]) => boolean;
  readonly entersFolder: (names: readonly string[]) => boolean;
}

/** Patterns with a slash are for paths from the top, others for names. @throws PortholeError `usage` */
export function selectionOf(include: readonly string[], exclude: readonly string[]): Selection {
  const [included, excluded] = [include, exclude].map((patterns) => patterns.map((one) => globMatcher(one)));
  const shown = (names: readonly string[]) => names.map(shownName).join("/");
  const out = (names: readonly string[]) =>
    names.some((_, at) => excluded?.some((matches) => matches(shown(names.slice(0, at + 1)))) === true);
  return {
    entersFolder: (names) => !out(names),
    takesFile: (names) =>
      !out(names) && (included?.length === 0 || included?.some((matches) => matches(shown(names))) === true),
  };
}

export interface Listed {
  readonly things: Map<string, Found>;
  /** Nothing was left out but by the selection. */
  readonly complete: boolean;
  /** False: the target is not there yet. */
  readonly exists: boolean;
}

export interface ListOptions {
  readonly selection: Selection;
  readonly signal: AbortSignal;
  /** The place of these names at the target; undefined when it can have none. */
  readonly keyOf: (found: Found) => Promise<string | undefined>;
  readonly onFailure: (url: string, error: PortholeError) => Promise<void>;
  readonly onPassed: (url: string, why: string) => Promise<void>;
  /** Nothing there is nothing wrong: a target is made. */
  readonly mayBeMissing: boolean;
  /** What tells things apart is enough. */
  readonly brief: boolean;
}

/** @throws PortholeError when the top cannot be listed */
export async function listSide(door: Door, options: ListOptions): Promise<Listed> {
  const path = door.target.path === "" ? "/" : door.target.path;
  const things = new Map<string, Found>();
  if (options.mayBeMissing) {
    const standing = await standingAt(door, path, false);
    if (!isContainer(standing) && standing.entry !== undefined) throw noFolder(door, path, standing.kind);
    if (standing.entry === undefined && (await door.session()).stat !== undefined) {
      return { things, complete: true, exists: false };
    }
  }
  const complete = await listInto(things, door, path, options);
  return { things, complete, exists: true };
}

async function listInto(
  things: Map<string, Found>,
  door: Door,
  path: string,
  options: ListOptions,
): Promise<boolean> {
  const { selection, signal, brief } = options;
  let complete = true;
  const ways = { enters: selection.entersFolder, signal, again: true, brief };
  for await (const walked of walk(door, path, ways)) {
    if (walked.kind === "passed") await options.onPassed(walked.entry.url, walked.why);
    else if (walked.kind === "unlisted") {
      complete = false;
      await options.onFailure(door.target.href(walked.path), walked.error);
    } else {
      const { found } = walked;
      const takes = found.isContainer ? selection.entersFolder : selection.takesFile;
      if (!takes(found.names)) continue;
      const key = await options.keyOf(found);
      if (key !== undefined && !things.has(key)) things.set(key, found);
      else if (key !== undefined) await options.onFailure(found.entry.url, twice(key));
    }
  }
  return complete;
}

function twice(key: string): PortholeError {
  return new PortholeError("local", `two things would be ${shownName(key)} at the target`);
}

function noFolder(door: Door, path: string, kind: string | undefined): PortholeError {
  return new PortholeError("usage", `${door.target.href(path)} is a ${kind ?? "file"}`, {
    hint: "mirror wants a folder; cp copies single files",
  });
}
