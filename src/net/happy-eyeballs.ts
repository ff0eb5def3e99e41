/**
 * One TCP connection from several addresses (RFC 8305): the next address is tried when the one before failed
 * or has been silent for a quarter of a second, and the first to connect wins.
 */
import type { Socket } from "node:net";
import { abortReason, messageOf, PortholeError } from "../errors.js";
import { connectionError, isUnreachable } from "./failures.js";
import { LastingSocket } from "./lasting-socket.js";
import { ReusedBuffer } from "./pouring.js";
import type { Address } from "./resolve.js";

/** RFC 8305, 5: Connection Attempt Delay, milliseconds. */
const ATTEMPT_DELAY = 250;
/** More addresses than this are not tried: a hostile name server could list thousands. */
const MOST_ADDRESSES = 24;

export interface Attempt {
  readonly address: string;
  readonly ms: number;
  readonly failure?: string;
}

export interface Race {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly signal: AbortSignal;
  /** Each socket reads into a large buffer of its own. */
  readonly bulk?: boolean;
}

/** The connection that came first, and all addresses that were tried, in the order they were. */
export interface Winner {
  readonly socket: Socket;
  readonly address: string;
  readonly attempts: readonly Attempt[];
  readonly reused?: ReusedBuffer;
}

/** One address of a race. */
interface Runner {
  readonly address: string;
  readonly began: number;
  readonly socket: Socket;
  /** Milliseconds until it connected or failed. */
  ms?: number;
  failure?: Error;
}

/** @throws PortholeError `connect` (the most telling address's reason) when none answers, or the signal's reason. */
export function raceToConnect(addresses: readonly Address[], race: Race): Promise<Winner> {
  return new Promise((resolve, reject) => {
    const waiting = addresses.slice(0, MOST_ADDRESSES);
    const runners: Runner[] = [];
    let next: NodeJS.Timeout | undefined;
    let isOver = false;

    const finish = (winner?: Runner) => {
      isOver = true;
      clearTimeout(next);
      race.signal.removeEventListener("abort", aborted);
      for (const { socket } of runners) if (socket !== winner?.socket) socket.destroy();
    };
    const aborted = () => {
      finish();
      reject(abortReason(race.signal));
    };

    const start = () => {
      clearTimeout(next);
      const address = waiting.shift()?.address;
      if (address === undefined) return;
      const reused = race.bulk === true ? new ReusedBuffer() : undefined;
      const socket = new LastingSocket(reused === undefined ? {} : { onread: reused.onread });
      if (reused !== undefined) socket.once("close", () => reused.release());
      socket.connect({
        host: address,
        port: race.port,
        ...(race.localAddress === undefined ? {} : { localAddress: race.localAddress }),
        ...(race.localPort === undefined ? {} : { localPort: race.localPort }),
      });
      const runner: Runner = { address, began: performance.now(), socket };
      runners.push(runner);
      socket.once("connect", () => {
        if (isOver) return;
        runner.ms = performance.now() - runner.began;
        finish(runner);
        resolve({
          socket,
          address,
          attempts: runners.map(attemptOf),
          ...(reused === undefined ? {} : { reused }),
        });
      });
      // It stays: until its owner listens, the winner's failure shows as the socket's close.
      socket.on("error", (error) => {
        if (isOver) return;
        runner.ms = performance.now() - runner.began;
        runner.failure = error;
        if (waiting.length > 0) start();
        else if (runners.every(({ failure }) => failure !== undefined)) {
          finish();
          reject(noneAnswered(runners, race));
        }
      });
      if (waiting.length > 0) next = setTimeout(start, ATTEMPT_DELAY);
    };

    race.signal.addEventListener("abort", aborted, { once: true });
    if (race.signal.aborted) aborted();
    else start();
  });
}

function attemptOf({ address, began, ms, failure }: Runner): Attempt {
  if (ms === undefined) return { address, ms: performance.now() - began, failure: "no answer yet" };
  return failure === undefined ? { address, ms } : { address, ms, failure: messageOf(failure) };
}

/** A server that refuses says more than a family that this machine has no way for. */
function noneAnswered(runners: readonly Runner[], race: Race): PortholeError {
  const failures = runners.flatMap(({ failure }) => failure ?? []);
  const telling = failures.find((failure) => !isUnreachable(failure)) ?? failures[0];
  const error = connectionError(telling, race);
  if (runners.length < 2) return error;
  const tried = runners.map(({ address }) => address).join(", ");
  return new PortholeError(error.code, `${error.message} (tried ${tried})`, {
    hint: error.hint,
    cause: telling,
  });
}
