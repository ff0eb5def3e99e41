/**
 * One TCP connection from several addresses (RFC 8305): the next address is tried when the one before failed
 * or has been silent for a quarter of a second, and the first to connect wins.
 */
import { connect, type Socket } from "node:net";
import { messageOf, PortholeError } from "../errors.js";
import { connectionError } from "./failures.js";
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
  readonly signal: AbortSignal;
}

/** @throws PortholeError `connect` (the last address's reason) when none answers, or the signal's reason. */
export function raceToConnect(
  addresses: readonly Address[],
  race: Race,
): Promise<{ socket: Socket; attempts: Attempt[] }> {
  return new Promise((resolve, reject) => {
    const waiting = addresses.slice(0, MOST_ADDRESSES);
    const racing = new Map<Socket, { address: string; began: number }>();
    const attempts: Attempt[] = [];
    let next: NodeJS.Timeout | undefined;

    const finish = (act: () => void) => {
      clearTimeout(next);
      race.signal.removeEventListener("abort", aborted);
      for (const loser of racing.keys()) {
        loser.removeAllListeners();
        loser.on("error", () => {});
        loser.destroy();
      }
      racing.clear();
      act();
    };
    const aborted = () => finish(() => reject(race.signal.reason));

    const start = () => {
      clearTimeout(next);
      const address = waiting.shift();
      if (address === undefined) return;
      const began = performance.now();
      const socket = connect({
        host: address.address,
        port: race.port,
        allowHalfOpen: true,
        noDelay: true,
        ...(race.localAddress === undefined ? {} : { localAddress: race.localAddress }),
      });
      racing.set(socket, { address: address.address, began });
      socket.once("connect", () => {
        racing.delete(socket);
        socket.removeAllListeners("error");
        // Until its owner listens, a failure shows as the socket's close.
        socket.on("error", () => {});
        attempts.push({ address: address.address, ms: performance.now() - began });
        finish(() => resolve({ socket, attempts }));
      });
      socket.once("error", (error) => {
        racing.delete(socket);
        attempts.push({ address: address.address, ms: performance.now() - began, failure: messageOf(error) });
        if (waiting.length > 0) start();
        else if (racing.size === 0) finish(() => reject(noneAnswered(error, attempts, race)));
      });
      if (waiting.length > 0) next = setTimeout(start, ATTEMPT_DELAY);
    };

    race.signal.addEventListener("abort", aborted, { once: true });
    if (race.signal.aborted) aborted();
    else start();
  });
}

function noneAnswered(last: Error, attempts: readonly Attempt[], race: Race): PortholeError {
  const error = connectionError(last, race);
  if (attempts.length < 2) return error;
  const tried = attempts.map(({ address }) => address).join(", ");
  return new PortholeError(error.code, `${error.message} (tried ${tried})`, {
    hint: error.hint,
    cause: last,
  });
}
