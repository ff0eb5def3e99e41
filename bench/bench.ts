/** What a file of measurements gives to run.ts. */
import { existsSync, renameSync } from "node:fs";
import type { MemoryBound, Pair, Peer, Throughput } from "./harness.js";

export interface Place {
  /** The sandbox's URLs by scheme. */
  readonly urls: Readonly<Record<string, string>>;
  /** A folder of the run's own, removed at its end. */
  readonly folder: string;
}

export interface Measurements {
  readonly pairs: readonly Pair[];
  readonly bounds: readonly MemoryBound[];
  readonly throughputs?: readonly Throughput[];
  /** What is measured within this process: each prints its rows, and says whether the limits are held. */
  readonly comparisons?: readonly (() => boolean)[];
  /** Throws unless what the commands left behind is whole; called when all of them have run. */
  readonly inspect?: () => void;
  /** Ends what was started for them. */
  readonly close?: () => Promise<void>;
}

export type Bench = (place: Place) => Measurements | Promise<Measurements>;

/** Bare Node: what every start-up is measured against. */
export const BARE_NODE: Peer = {
  name: "node -e 0",
  argv: [process.execPath, "-e", "0"],
  version: [process.execPath, "--version"],
};

export function porthole(...args: string[]): [string, ...string[]] {
  return [process.execPath, "dist/program/porthole.js", ...args];
}

/** Not removed: for some seconds Linux (ext4) looks at every file that was removed before it makes another. */
export function outOfTheWay(path: string): void {
  if (existsSync(path)) renameSync(path, `${path}-${process.hrtime.bigint()}`);
}
