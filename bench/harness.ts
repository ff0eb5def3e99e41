/**
 * Side by side: a command of Porthole and one of a peer, in turn, in one run, as whole processes. What counts is
 * the median of the ratios pair by pair, so that a machine that slows down slows both.
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Command {
  /** As the table shows it. */
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  /** Run before each measurement, not measured. */
  readonly prepare?: () => void;
}

export interface Peer extends Command {
  /** Arguments that make the program print its version; a program that cannot be started is not installed. */
  readonly version: readonly [string, ...string[]];
}

export interface Pair {
  readonly what: string;
  readonly subject: Command;
  readonly peer: Peer;
  /** The subject's wall time may be so many times the peer's; absent: measured, not judged. */
  readonly limit?: number;
  /** Or it may take so many seconds more than the peer. */
  readonly extra?: number;
  readonly runs?: number;
}

/** What a command works through in a second. */
export interface Throughput {
  readonly what: string;
  readonly subject: Command;
  readonly octets: number;
  /** MB (10^6 octets) a second at least, of whole-process time. */
  readonly limit: number;
}

export interface MemoryBound {
  readonly what: string;
  readonly subject: Command;
  /** Peak of resident memory, in MB (10^6 octets). */
  readonly limit: number;
}

interface Measured {
  readonly seconds: number;
  /** Peak resident memory in MB; as far as /proc tells. */
  readonly peak: number;
}

const WARM_UPS = 1;
const RUNS = 9;

/** Certificates of the machine's own make every start of Node slower, ours and the peer's. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _slow, ...rest } = process.env;
  return { ...rest, NO_PROXY: "*", no_proxy: "*" };
}

/** @throws Error when the command fails: a time without its work would be a lie */
export async function measure(command: Command): Promise<Measured> {
  command.prepare?.();
  const [program, ...args] = command.argv;
  const began = process.hrtime.bigint();
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], env: environment() });
  let peak = 0;
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => {
    words += chunk.toString();
  });
  const sampling = setInterval(() => {
    peak = Math.max(peak, highWater(child.pid));
  }, 10);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  clearInterval(sampling);
  if (status !== 0) throw new Error(`${command.name} ended with status ${status}: ${words.trim()}`);
  return { seconds, peak };
}

/** The kernel's own high-water mark, in MB; 0 where it cannot be read. */
function highWater(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return (Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}

export function versionOf(peer: Peer): string | undefined {
  const [program, ...args] = peer.version;
  const asked = spawnSync(program, args, { encoding: "utf8" });
  if (asked.error !== undefined) return undefined;
  return /\d+(?:\.\d+)+[\w.-]*/.exec(`${asked.stdout}${asked.stderr}`)?.[0] ?? "version unknown";
}

/** Prints a row; false when the limit is missed. */
export async function comparePair(pair: Pair): Promise<boolean> {
  const version = versionOf(pair.peer);
  if (version === undefined) {
    print(pair.what, `skipped: ${pair.peer.argv[0]} is not installed`);
    return true;
  }
  const ratios: number[] = [];
  const own: number[] = [];
  const theirs: number[] = [];
  for (let run = -WARM_UPS; run < (pair.runs ?? RUNS); run++) {
    const a = await measure(pair.subject);
    const b = await measure(pair.peer);
    if (run < 0) continue;
    own.push(a.seconds);
    theirs.push(b.seconds);
    ratios.push(a.seconds / b.seconds);
  }
  const ratio = median(ratios);
  const more = median(own) - median(theirs);
  const held =
    (pair.limit === undefined || ratio <= pair.limit) && (pair.extra === undefined || more <= pair.extra);
  const limits = [
    ...(pair.limit === undefined ? [] : [`limit ${pair.limit.toFixed(2)}`]),
    ...(pair.extra === undefined ? [] : [`${more.toFixed(2)} s more, limit ${pair.extra.toFixed(2)} s`]),
  ];
  const verdict = limits.length === 0 ? "" : ` (${limits.join(", ")}: ${held ? "held" : "MISSED"})`;
  print(
    pair.what,
    `${ratio.toFixed(2)} x ${pair.peer.name} ${version}${verdict}; medians ${median(own).toFixed(3)} s and ${median(theirs).toFixed(3)} s, ratios ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}, ${ratios.length} pairs`,
  );
  return held;
}

/** Prints a row; false when the limit is missed. */
export async function measureThroughput({ what, subject, octets, limit }: Throughput): Promise<boolean> {
  const times: number[] = [];
  for (let run = 0; run < 3; run++) times.push((await measure(subject)).seconds);
  const rate = octets / 1e6 / median(times);
  const held = rate >= limit;
  print(what, `${rate.toFixed(0)} MB/s (limit ${limit}: ${held ? "held" : "MISSED"}), median of 3 runs`);
  return held;
}

/** Prints a row; false when the limit is missed. */
export async function boundMemory(bound: MemoryBound): Promise<boolean> {
  const peaks: number[] = [];
  for (let run = 0; run < 3; run++) peaks.push((await measure(bound.subject)).peak);
  const peak = Math.max(...peaks);
  const held = peak > 0 && peak <= bound.limit;
  print(
    bound.what,
    `${peak.toFixed(0)} MB at most (limit ${bound.limit}: ${held ? "held" : "MISSED"}), 3 runs`,
  );
  return held;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function print(what: string, result: string): void {
  process.stdout.write(`${what.padEnd(44)} ${result}\n`);
}
