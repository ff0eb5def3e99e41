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
  /** Files of the same size are told apart by what is in them, which reads both, and not by their dates and marks. */
  readonly compareContent?: boolean;
  /** A file whose date at the target is the same or later is left as it is. */
  readonly onlyNewer?: boolean;
  /** Of a site: how many links from the start are followed; 5 when absent. */
  readonly depth?: number;
  /** Of a site: whether its robots.txt is honoured; absent: it is. */
  readonly robots?: boolean;
  /** Of a site: seconds between two requests at least. */
  readonly wait?: number;
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

/** `replaced`: a file where a folder is to be, or the other way round. `marked`: a message has other flags. */
export type MirrorAction = "folder" | "new" | "changed" | "gone" | "replaced" | "marked";

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
  | { readonly event: "marked"; readonly name: string; readonly from: string; readonly to: string }
  | { readonly event: "removed"; readonly name: string; readonly to: string }
  | { readonly event: "renamed"; readonly from: string; readonly name: string }
  | { readonly event: "passed"; readonly from: string; readonly why: string }
  | { readonly event: "repeated"; readonly from: string; readonly why: string }
  /** Nothing is removed, and why. */
  | { readonly event: "spared"; readonly why: string }
  | { readonly event: "failed"; readonly url: string; readonly error: PortholeError }
  | MirrorReport;
