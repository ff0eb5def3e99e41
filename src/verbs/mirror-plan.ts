/** What makes a target the same as its source: pure, from two listings and what was remembered. */
import type { Entry, JsonObject } from "../plugin.js";
import { looksSame, markOf, precisionOf } from "./marks.js";
import { isOver } from "./oversize.js";
import type { Found } from "./walk.js";

/** One thing of a side. Its key is its place at the target: names in octets, parted by slashes. */
export type Side = ReadonlyMap<string, Found>;

export type Step =
  | { readonly action: "folder"; readonly key: string; readonly from: Found }
  | { readonly action: "new" | "changed"; readonly key: string; readonly from: Found; readonly there?: Found }
  | { readonly action: "same"; readonly key: string; readonly from: Found; readonly there: Found }
  | { readonly action: "gone"; readonly key: string; readonly there: Found }
  /** Would be carried, and is larger than is wanted: what stands at its place stays. */
  | { readonly action: "large"; readonly key: string; readonly from: Found }
  /** A file where a folder must be, or the other way round, or a link where neither is one: it goes first, with `--delete` alone. */
  | { readonly action: "in the way"; readonly key: string; readonly from: Found; readonly there: Found };

export interface PlanOptions {
  /** What was noted when a file was last carried, by key. */
  readonly known: ReadonlyMap<string, JsonObject>;
  /** Whether a file of the target is this mirror's business. */
  readonly covers: (key: string) => boolean;
  /** Octets: what is larger is not carried. */
  readonly maxSize?: number | undefined;
  /** Folders without a file beneath them are made too. */
  readonly emptyFolders: boolean;
  /** What is not older at the target is the same. */
  readonly onlyNewer?: boolean;
  /** Every pair of files of one size, or of an unknown one, is to be looked into: it is planned as changed. */
  readonly doubtAll?: boolean;
}

/** In the order of the source; what is gone comes last, the inside of a folder before the folder. */
export function planOf(source: Side, target: Side, options: PlanOptions): Step[] {
  // What a link leads to was looked at by itself, which may tell its date more finely than a listing.
  const precisions = [false, true].map((followed) =>
    Math.max(precisionOf(entriesOf(source, followed)), precisionOf(entriesOf(target, false))),
  );
  const steps: Step[] = [];
  const isLarge = ({ entry, link, isContainer }: Found) =>
    !isContainer && link === undefined && isOver(entry.size, options.maxSize);
  const wanted = options.emptyFolders ? undefined : foldersOfFiles(source, isLarge);
  for (const [key, from] of source) {
    const there = target.get(key);
    if (from.link !== undefined) {
      if (there === undefined) steps.push({ action: "new", key, from });
      else if (there.link === undefined) steps.push({ action: "in the way", key, from, there });
      else steps.push({ action: there.link === from.link ? "same" : "changed", key, from, there });
    } else if (from.isContainer) {
      if (wanted?.has(key) === false) continue;
      if (there === undefined) steps.push({ action: "folder", key, from });
      else if (!there.isContainer) steps.push({ action: "in the way", key, from, there });
    } else if (isLarge(from) && (there === undefined || there.isContainer || there.link !== undefined))
      steps.push({ action: "large", key, from });
    else if (there === undefined) steps.push({ action: "new", key, from });
    // What is written to a link goes where that leads, which nobody here knows.
    else if (there.isContainer || there.link !== undefined)
      steps.push({ action: "in the way", key, from, there });
    else {
      const precision = precisions[from.followed === true ? 1 : 0] ?? 1;
      const same =
        (options.onlyNewer === true && !isNewer(from.entry, there.entry)) ||
        (options.doubtAll !== true && isSame(from.entry, there.entry, options.known.get(key), precision));
      if (!same && isLarge(from)) steps.push({ action: "large", key, from });
      else steps.push({ action: same ? "same" : "changed", key, from, there });
    }
  }
  const gone: Step[] = [];
  for (const [key, there] of target) {
    if (source.has(key) || !options.covers(key)) continue;
    gone.push({ action: "gone", key, there });
  }
  // A listing has a folder before what is in it.
  return [...steps, ...gone.reverse()];
}

function foldersOfFiles(side: Side, isLarge: (found: Found) => boolean): Set<string> {
  const folders = new Set<string>();
  for (const [key, found] of side) {
    if (found.isContainer || isLarge(found)) continue;
    for (let at = key.lastIndexOf("/"); at > 0; at = key.lastIndexOf("/", at - 1))
      folders.add(key.slice(0, at));
  }
  return folders;
}

/** True also where one side tells no date. */
function isNewer(from: Entry, there: Entry): boolean {
  if (from.modified === undefined || there.modified === undefined) return true;
  return from.modified.getTime() > there.modified.getTime();
}

function isSame(from: Entry, there: Entry, known: JsonObject | undefined, precision: number): boolean {
  // What was written may have been given another date by the target: then only the memory tells.
  if (known !== undefined && known["from"] === markOf(from) && known["to"] === markOf(there)) {
    return (
      from.size === undefined ||
      there.size === undefined ||
      from.size === there.size ||
      known["coded"] === true
    );
  }
  return looksSame(from, there, precision);
}

function* entriesOf(side: Side, followed: boolean): Generator<Entry, void, undefined> {
  for (const found of side.values()) {
    if (!found.isContainer && (found.followed === true) === followed) yield found.entry;
  }
}
