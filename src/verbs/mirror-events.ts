/** What a mirror is asked, and what it tells. */
import type { PortholeError } from "../errors.js";
import type { Progress } from "../plugin.js";
import type { Doors } from "./doors.js";

export interface MirrorRequest {
  /** What opens the places: a Client. */
  readonly client: Doors;
  readonly from: string;
  readonly to: string;
  /** Only plan. */
  readonly dryRun?: boolean;
  /** Remove at the target what the source has not. */
  readonly delete?: boolean;
  /** Days after which a message that was carried is removed from the source; 0 at once. Only what is at the target. */
  readonly deleteAfter?: number;
  /** Patterns for files: only these. */
  readonly include?: readonly string[];
  /** Patterns for files and folders: not these, on neither side. */
  readonly exclude?: readonly string[];
  /**
   * Octets: what is larger is passed over, told, and taken by a later run that may. A size that no listing tells is found out
   * while it comes.
   */
  readonly maxSize?: number;
  /** Files of the same size are told apart by what is in them, which reads both, and not by their dates and marks. */
  readonly compareContent?: boolean;
  /** A file whose date at the target is the same or later is left as it is. */
  readonly onlyNewer?: boolean;
  /** Mailboxes keep their names, also where the target has another one for the same use (RFC 6154: sent mail, drafts, ...). */
  readonly keepNames?: boolean;
  /** Of a site: how many links from the start are followed; 5 when absent. */
  readonly depth?: number;
  /** Of a site: whether its robots.txt is honoured; absent: it is. */
  readonly robots?: boolean;
  /** Of a site: seconds between two requests at least. */
  readonly wait?: number;
  /**
   * Symbolic links: passed over and told when absent; kept as links at a target that can (folders of this machine), as long
   * as they lead nowhere out of the target; or followed, as what they lead to.
   */
  readonly links?: "keep" | "follow";
  /** With `follow`: also those that lead out of what is mirrored. */
  readonly outsideLinks?: boolean;
  /** Pairs of sessions at work at once; 1 when absent. */
  readonly jobs?: number;
  /** How often what fails for now is tried again. */
  readonly retries?: number;
  /**
   * Where is remembered what was carried: targets that give files dates of their own (most FTP servers) can be told
   * to be unchanged by nothing else. Absent: such a target is copied anew each time.
   */
  readonly stateFolder?: string;
  readonly signal?: AbortSignal;
  readonly progress?: (report: Progress) => void;
}

/** `link`: one that is kept, new or changed. `replaced`: what is of another kind than it is to be. `marked`: a message has other flags. `cleared`: a message goes from the source. `large`: passed over, for `maxSize`. */
export type MirrorAction =
  | "folder"
  | "new"
  | "changed"
  | "gone"
  | "replaced"
  | "marked"
  | "link"
  | "cleared"
  | "large";

export interface MirrorReport {
  readonly event: "done";
  readonly dryRun: boolean;
  readonly copied: number;
  readonly same: number;
  /** Messages of those whose flags were made the same; absent where there are none to be made so. */
  readonly marked?: number;
  readonly removed: number;
  readonly failed: number;
  readonly octets: number;
  /** At the target and not at the source, and left there. */
  readonly extra: number;
  /** Of those copied: had been before, and are fetched each time, as nothing tells whether they have changed (Gopher). Absent for none. */
  readonly again?: number;
  /** Links that were made, or changed. This and the next two: absent for none. */
  readonly linksKept?: number;
  /** Files and folders behind links, once for each link; with `dryRun` too. */
  readonly linksFollowed?: number;
  /** Neither file nor folder, links among them, or not to be kept: told one by one in `passed`. */
  readonly leftOut?: number;
  /** Passed over for `maxSize`: neither carried nor the same; with `dryRun` those that a listing tells. Absent for none. */
  readonly large?: number;
}

export type MirrorEvent =
  /** What will be done, or with `dryRun` what would. `name` is the place below both sides. */
  | {
      readonly event: "plan";
      readonly action: MirrorAction;
      readonly name: string;
      readonly from?: string;
      readonly to: string;
      readonly size?: number;
    }
  | { readonly event: "made"; readonly name: string; readonly to: string }
  | {
      readonly event: "copied";
      readonly name: string;
      readonly from: string;
      readonly to: string;
      readonly size: number;
    }
  /** `target` is what the link says. */
  | { readonly event: "linked"; readonly name: string; readonly to: string; readonly target: string }
  | { readonly event: "marked"; readonly name: string; readonly from: string; readonly to: string }
  | { readonly event: "removed"; readonly name: string; readonly to: string }
  | { readonly event: "renamed"; readonly from: string; readonly name: string }
  | { readonly event: "passed"; readonly from: string; readonly why: string }
  /** Passed over for `maxSize`; without a size: it came with more, and the rest was left. */
  | { readonly event: "large"; readonly name: string; readonly from: string; readonly size?: number }
  | { readonly event: "repeated"; readonly from: string; readonly why: string }
  /** Nothing is removed, and why. */
  | { readonly event: "spared"; readonly why: string }
  | { readonly event: "failed"; readonly url: string; readonly error: PortholeError }
  | MirrorReport;
