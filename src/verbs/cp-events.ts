/** What a copy is asked, and what it tells. */
import type { PortholeError } from "../errors.js";
import type { Progress } from "../plugin.js";
import type { Doors } from "./doors.js";

export interface CpRequest {
  /** What opens the places: a Client. */
  readonly client: Doors;
  readonly from: readonly string[];
  /** A file, a folder that is there, or a URL that ends in a slash; with several sources always a folder. */
  readonly to: string;
  /** Folders too, with all that is in them. */
  readonly recursive?: boolean;
  /** Replace what is there. */
  readonly replace?: boolean;
  /** Continue what is there in part. */
  readonly resume?: boolean;
  /** Octets: what is larger is passed over, and told; the journal stays, so that a later run that may takes it. */
  readonly maxSize?: number;
  /** Pairs of sessions at work at once; 1 when absent. */
  readonly jobs?: number;
  /** How often what fails for now is tried again. */
  readonly retries?: number;
  /** Where a journal is kept until the job is done, so that a second run does only the rest. Absent: none is kept. */
  readonly journalFolder?: string;
  readonly signal?: AbortSignal;
  readonly progress?: (report: Progress) => void;
}

export type CpEvent =
  /** `resumedAt`: the octet from which on this run carried. */
  | {
      readonly event: "copied";
      readonly from: string;
      readonly to: string;
      readonly size: number;
      readonly resumedAt: number;
    }
  /** An earlier run of this job has done it. */
  | { readonly event: "kept"; readonly from: string; readonly to: string }
  | { readonly event: "made"; readonly to: string }
  /** Passed over for `maxSize`; without a size: it came with more, and the rest was left. */
  | { readonly event: "large"; readonly from: string; readonly size?: number }
  /** Nothing that could be copied. */
  | { readonly event: "passed"; readonly from: string; readonly why: string }
  /** The target cannot hold the name, and has it in percent form. */
  | { readonly event: "renamed"; readonly from: string; readonly name: string }
  | { readonly event: "repeated"; readonly from: string; readonly why: string }
  | { readonly event: "failed"; readonly from: string; readonly to?: string; readonly error: PortholeError }
  | {
      readonly event: "done";
      readonly copied: number;
      readonly kept: number;
      readonly failed: number;
      readonly octets: number;
      /** Passed over for `maxSize`; absent for none. */
      readonly large?: number;
    };
