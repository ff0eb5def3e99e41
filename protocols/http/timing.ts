/** How long an answer took, part by part: as numbers, and as a waterfall for a terminal. */
import type { Hop } from "./hops.js";

/** Milliseconds from the start of the first request, as curl counts them. What did not take place is 0. */
export interface Timing {
  /** The redirects and logins before the last request. */
  readonly redirect: number;
  readonly namelookup: number;
  readonly connect: number;
  /** TLS. */
  readonly appconnect: number;
  readonly pretransfer: number;
  /** The answer's first octets. */
  readonly starttransfer: number;
  readonly total: number;
}

/** @param ended when all had come, on the clock of performance.now() */
export function timingOf(hops: readonly Hop[], ended: number): Timing {
  const [first] = hops;
  const last = hops.at(-1);
  if (first === undefined || last === undefined) {
    return {
      redirect: 0,
      namelookup: 0,
      connect: 0,
      appconnect: 0,
      pretransfer: 0,
      starttransfer: 0,
      total: 0,
    };
  }
  const { times } = last;
  const redirect = times.startedAt - first.times.startedAt;
  const namelookup = redirect + times.resolveMs;
  const connect = namelookup + times.connectMs;
  const secure = connect + times.tlsMs;
  return {
    redirect,
    namelookup: times.connected ? namelookup : 0,
    connect: times.connected ? connect : 0,
    appconnect: times.tlsMs > 0 ? secure : 0,
    pretransfer: times.connected ? secure : redirect,
    starttransfer: redirect + times.answeredMs,
    total: ended - first.times.startedAt,
  };
}

const BAR = 40;

/** A line for each part that took place: its name, when it was, how long it took. */
export function waterfall(timing: Timing): string {
  const parts: (readonly [string, number, number])[] = [];
  let from = 0;
  const part = (name: string, until: number) => {
    if (until <= from) return;
    parts.push([name, from, until]);
    from = until;
  };
  part("redirects", timing.redirect);
  part("name lookup", timing.namelookup);
  part("connect", timing.connect);
  part("TLS", timing.appconnect);
  part("waiting", timing.starttransfer);
  part("transfer", timing.total);
  const scale = timing.total > 0 ? BAR / timing.total : 0;
  const lines = parts.map(([name, begin, end]) => {
    const start = Math.min(BAR - 1, Math.floor(begin * scale));
    const length = Math.max(1, Math.min(BAR - start, Math.round((end - begin) * scale)));
    const bar = `${" ".repeat(start)}${"#".repeat(length)}`.padEnd(BAR);
    return `${name.padEnd(12)} |${bar}| ${milliseconds(end - begin)}`;
  });
  return [...lines, `${"total".padEnd(12)}  ${" ".repeat(BAR)}  ${milliseconds(timing.total)}`].join("\n");
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1).padStart(9)} ms`;
}
