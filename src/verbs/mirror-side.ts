/** One side of a mirror, listed whole: by the names that its things have at the target. */
import { PortholeError } from "../errors.js";
import { globMatcher } from "../files/glob.js";
import type { Entry } from "../plugin.js";
import { isContainer, standingAt } from "./cp-plan.js";
import type { Door } from "./doors.js";
import { keptLink, type LinkRule } from "./links.js";
import { shownName } from "./names.js";
import { type Found, walk } from "./walk.js";

/** What a mirror is about: `--include` and `--exclude`. */
export interface Selection {
  readonly takesFile: (names: readonly string[]) => boolean;
  /** A message is taken for the mailboxes that it is in, too. */
  readonly takesMessage: (names: readonly string[]) => boolean;
  readonly entersFolder: (names: readonly string[]) => boolean;
}

/** Patterns with a slash are for paths from the top, others for names. @throws PortholeError `usage` */
export function selectionOf(include: readonly string[], exclude: readonly string[]): Selection {
  const [included, excluded] = [include, exclude].map((patterns) => patterns.map((one) => globMatcher(one)));
  const shown = (names: readonly string[]) => names.map(shownName).join("/");
  const out = (names: readonly string[]) =>
    names.some((_, at) => excluded?.some((matches) => matches(shown(names.slice(0, at + 1)))) === true);
  const isIncluded = (names: readonly string[]) =>
    included?.length === 0 || included?.some((matches) => matches(shown(names))) === true;
  return {
    entersFolder: (names) => !out(names),
    takesMessage: (names) =>
      !out(names) && names.some((_, at) => isIncluded(names.slice(0, names.length - at))),
    takesFile: (names) => !out(names) && isIncluded(names),
  };
}

export interface Listed {
  readonly things: Map<string, Found>;
  /** Nothing was left out but by the selection. */
  readonly complete: boolean;
  /** False: the target is not there yet. */
  readonly exists: boolean;
  /** The places at the target of what was passed over: whatever stands there is not gone at the source. */
  readonly passed: ReadonlySet<string>;
}

export interface ListOptions {
  readonly selection: Selection;
  readonly signal: AbortSignal;
  /** The place of these names at the target; undefined when it can have none. */
  readonly keyOf: (found: Pick<Found, "names" | "entry">) => Promise<string | undefined> | string | undefined;
  readonly onFailure: (url: string, error: PortholeError) => Promise<void>;
  readonly onPassed: (url: string, why: string) => Promise<void>;
  /** Absent: links are passed over. */
  readonly links?: LinkRule | undefined;
  /** The name at the target for a name in what a kept link says; absent: it stays as it is. */
  readonly linkName?: (name: string) => string;
  readonly onFollowed?: () => void;
  /** Nothing there is nothing wrong: a target is made. */
  readonly mayBeMissing: boolean;
  /** What tells things apart is enough. */
  readonly brief: boolean;
  /** More sessions at that side. */
  readonly helpers?: readonly Door[];
}

const MESSAGES: ReadonlySet<string> = new Set(["message", "article"]);

/** @throws PortholeError when the top cannot be listed */
export async function listSide(door: Door, options: ListOptions): Promise<Listed> {
  const path = door.target.path === "" ? "/" : door.target.path;
  const things = new Map<string, Found>();
  let exists = true;
  if (options.mayBeMissing) {
    const standing = await standingAt(door, path, false);
    if (!isContainer(standing) && standing.entry !== undefined) throw noFolder(door, path, standing.kind);
    if (standing.entry === undefined && (await door.session()).stat !== undefined) {
      return { things, complete: true, exists: false, passed: new Set() };
    }
    exists = standing.entry?.hollow !== true;
  }
  const passed = new Set<string>();
  const complete = await listInto({ things, passed }, door, path, options);
  return { things, complete, exists, passed };
}

async function listInto(
  into: { readonly things: Map<string, Found>; readonly passed: Set<string> },
  door: Door,
  path: string,
  options: ListOptions,
): Promise<boolean> {
  const { selection, signal, links, brief, helpers = [] } = options;
  const pass = async (entry: Entry, why: string, names?: readonly string[]) => {
    const key = names === undefined ? undefined : await options.keyOf({ names, entry });
    if (key !== undefined) into.passed.add(key);
    await options.onPassed(entry.url, why);
  };
  let complete = true;
  const rule = links === undefined ? {} : { links };
  // The target is compared with what was noted of it.
  const listing = { again: true, brief, whole: true, exact: options.mayBeMissing };
  const ways = { enters: selection.entersFolder, signal, ...listing, helpers, ...rule };
  for await (const walked of walk(door, path, ways)) {
    if (walked.kind === "passed") await pass(walked.entry, walked.why, walked.names);
    else if (walked.kind === "unlisted") {
      complete = false;
      await options.onFailure(door.target.href(walked.path), walked.error);
    } else {
      let { found } = walked;
      // A link at the target stands in the way of a folder, too.
      const isAnything = found.isContainer || (found.link !== undefined && options.linkName === undefined);
      const takesIt = MESSAGES.has(found.entry.kind) ? selection.takesMessage : selection.takesFile;
      const takes = isAnything ? selection.entersFolder : takesIt;
      if (!takes(found.names)) continue;
      if (found.link !== undefined && options.linkName !== undefined) {
        const kept = linkOf(found, options.linkName);
        if ("why" in kept) {
          await pass(found.entry, kept.why, found.names);
          continue;
        }
        found = { ...found, link: kept.text };
      }
      const keying = options.keyOf(found);
      const key = keying instanceof Promise ? await keying : keying;
      if (key !== undefined && !into.things.has(key)) into.things.set(key, found);
      else if (key !== undefined) await options.onFailure(found.entry.url, twice(key));
      if (found.followed === true) options.onFollowed?.();
    }
  }
  return complete;
}

function linkOf(
  { names, entry }: Found,
  linkName: (name: string) => string,
): { readonly text: string } | { readonly why: string } {
  try {
    return keptLink(names, entry, linkName);
  } catch (thrown) {
    if (thrown instanceof PortholeError) return { why: `a link: ${thrown.message}` };
    throw thrown;
  }
}

function twice(key: string): PortholeError {
  return new PortholeError("local", `two things would be ${shownName(key)} at the target`);
}

function noFolder(door: Door, path: string, kind: string | undefined): PortholeError {
  return new PortholeError("usage", `${door.target.href(path)} is a ${kind ?? "file"}`, {
    hint: "mirror wants a folder; cp copies single files",
  });
}
