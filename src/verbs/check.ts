/**
 * `check`: the way to a server and through its greeting, step by step, timed and graded. What the network saw is
 * told here; what the protocol says comes from the session's own `check`.
 */
import { abortReason, type ErrorCode, EXIT_STATUS, PortholeError } from "../errors.js";
import type { CheckStep, Context, JsonObject, Session, Target, Weakness } from "../plugin.js";
import { certificateWords, tlsJson, tlsWeaknesses } from "./check-tls.js";

export type Connected = Awaited<ReturnType<Context["dial"]>>;

/** The ways to a target. */
export interface CheckDoor {
  /**
   * Opens a session. `careless`: any certificate is taken and no credentials are sent: for a look at what is wrong.
   * @param seen is told of each connection, and whether credentials were there to be sent
   */
  open(seen: Seen, careless: boolean, signal: AbortSignal): Promise<Session>;
  /** The addresses of the host. @throws PortholeError `resolve` */
  addresses(signal: AbortSignal): Promise<readonly string[]>;
}

export interface Seen {
  readonly connections: Connected[];
  credentials: boolean;
}

export interface CheckLimits {
  /** Days that a certificate must have left, or else a warning; 21 when absent. */
  readonly warnDays?: number;
  /** The same for critical; 7 when absent. */
  readonly criticalDays?: number;
  /** Milliseconds for one target; a minute when absent. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export type Grade = "ok" | "warning" | "critical";

export interface CheckResult {
  /** Without password. */
  readonly url: string;
  readonly protocol: string;
  readonly step: CheckStep["step"];
  readonly ok: boolean;
  readonly grade: Grade;
  readonly ms: number;
  /** One line for people; may hold the server's words. */
  readonly detail: string;
  readonly weaknesses: readonly Weakness[];
  /** What only this step knows. */
  readonly facts?: JsonObject;
  readonly tls?: JsonObject;
  /** Why it is not ok. */
  readonly error?: PortholeError;
}

const MINUTE = 60_000;

/**
 * The steps of one target, as they are done. A failing step is the last.
 * @throws PortholeError the signal's reason; `usage` when nothing could be tried
 */
export async function* checkTarget(
  target: Target,
  door: CheckDoor,
  limits: CheckLimits = {},
): AsyncGenerator<CheckResult, void, undefined> {
  const timeout = limits.timeout ?? MINUTE;
  const clock = new AbortController();
  const late = new PortholeError("timeout", `not done within ${timeout / 1000} s`, {
    hint: "the server, or something on the way, keeps silent",
  });
  const timer = setTimeout(() => clock.abort(late), timeout);
  const signal = limits.signal === undefined ? clock.signal : AbortSignal.any([limits.signal, clock.signal]);
  const tour = new Tour(target, door, limits, signal);
  try {
    yield* tour.steps();
  } finally {
    clearTimeout(timer);
    await tour.leave();
  }
}

/** One look at one target. */
class Tour {
  readonly #target: Target;
  readonly #door: CheckDoor;
  readonly #limits: CheckLimits;
  readonly #signal: AbortSignal;
  readonly #seen: Seen = { connections: [], credentials: false };
  #session: Session | undefined;
  /** The network's steps were told. */
  #told = false;
  #began = performance.now();

  constructor(target: Target, door: CheckDoor, limits: CheckLimits, signal: AbortSignal) {
    this.#target = target;
    this.#door = door;
    this.#limits = limits;
    this.#signal = signal;
  }

  async *steps(): AsyncGenerator<CheckResult, void, undefined> {
    try {
      this.#session = await this.#opened(this.#seen, false);
      yield* this.#network();
      const steps = (this.#session.check?.() ?? this.#anything(this.#session))[Symbol.asyncIterator]();
      for (;;) {
        this.#began = performance.now();
        const next = await this.#within(steps.next());
        yield* this.#network();
        if (next.done === true) return;
        yield this.#result(next.value);
        if (!next.value.ok) return;
      }
    } catch (thrown) {
      if (this.#limits.signal?.aborted === true) throw abortReason(this.#limits.signal);
      if (!(thrown instanceof PortholeError) || thrown.code === "usage") throw thrown;
      yield* this.#failure(thrown);
    }
  }

  async leave(): Promise<void> {
    await closed(this.#session);
  }

  async #opened(seen: Seen, careless: boolean): Promise<Session> {
    const opening = this.#door.open(seen, careless, this.#signal);
    try {
      return await this.#within(opening);
    } catch (thrown) {
      // One that is opened after all is not wanted any more.
      opening.then(closed, () => undefined);
      throw thrown;
    }
  }

  /** For a session without steps of its own: that the login was taken, and an answer to any question. */
  async *#anything(session: Session): AsyncGenerator<CheckStep, void, undefined> {
    const { path } = this.#target;
    const began = performance.now();
    if (session.stat !== undefined) await session.stat(path);
    else if (session.list !== undefined) await firstOf(session.list(path, { limit: 1 }));
    else return;
    const ms = performance.now() - began;
    if (this.#seen.credentials) yield { step: "login", ok: true, ms: 0, detail: "taken" };
    yield { step: "roundtrip", ok: true, ms, detail: "answered" };
  }

  /** A session that heeds no signal is left behind. */
  async #within<T>(work: Promise<T>): Promise<T> {
    const signal = this.#signal;
    let stop: () => void = () => undefined;
    const ended = new Promise<never>((_, reject) => {
      stop = () => reject(abortReason(signal));
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
    });
    try {
      return await Promise.race([work, ended]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** What the first connection tells of the way there. */
  *#network(failedTls = false): Generator<CheckResult, void, undefined> {
    const [connection] = this.#seen.connections;
    if (this.#told || connection === undefined) return;
    this.#told = true;
    const { facts } = connection;
    const attempts = facts.attempts.map(({ address, ms, failure }) => ({
      address,
      ms: rounded(ms),
      failure,
    }));
    if (facts.socketPath === undefined) {
      const detail = attempts.map(({ address }) => address).join(", ");
      yield this.#result({ step: "resolve", ok: true, ms: facts.resolveMs, detail });
    }
    const through = facts.proxy === undefined ? "" : ` through ${facts.proxy}`;
    yield this.#result({
      step: "connect",
      ok: true,
      ms: facts.connectMs,
      detail: `${facts.address ?? facts.socketPath ?? facts.host}, port ${facts.port}${through}`,
      facts: { address: facts.address, port: facts.port, proxy: facts.proxy, attempts },
    });
    if (facts.tls === undefined || failedTls) return;
    yield {
      ...this.#result({
        step: "tls",
        ok: true,
        ms: facts.tlsMs ?? 0,
        detail: certificateWords(facts.tls),
        weaknesses: tlsWeaknesses(facts.tls, this.#limits),
      }),
      tls: tlsJson(facts.tls),
    };
  }

  async *#failure(error: PortholeError): AsyncGenerator<CheckResult, void, undefined> {
    const ms = performance.now() - this.#began;
    const opened = this.#session !== undefined;
    if (this.#seen.connections.length === 0) {
      yield* this.#unreached(error, ms);
      return;
    }
    if (error.code === "tls" && this.#seen.connections[0]?.secure !== true) {
      yield* this.#network(true);
      yield await this.#failedTls(error, ms);
      return;
    }
    yield* this.#network();
    if (error.code === "auth" && !this.#seen.credentials) {
      // Nothing was given to log in with, so that it is asked for is no fault of the server's.
      const secure = this.#seen.connections.at(-1)?.secure === true;
      yield this.#result({
        step: opened ? "roundtrip" : "greeting",
        ok: true,
        ms,
        detail: `a login is wanted, and none was given: ${error.reply ?? error.message}`,
        weaknesses: secure ? [] : [LOGIN_IN_CLEAR],
      });
      return;
    }
    const step = error.code === "auth" ? "login" : opened ? "roundtrip" : "greeting";
    yield this.#failed(step, error, ms);
  }

  /** No connection: was it the name, the way, or TLS from the first octet? */
  async *#unreached(error: PortholeError, ms: number): AsyncGenerator<CheckResult, void, undefined> {
    if (error.code === "resolve") {
      yield this.#failed("resolve", error, ms);
      return;
    }
    const began = performance.now();
    const addresses = await settled(this.#within(this.#door.addresses(this.#signal)));
    if (addresses !== undefined) {
      const resolved = performance.now() - began;
      yield this.#result({ step: "resolve", ok: true, ms: resolved, detail: addresses.join(", ") });
    }
    if (error.code !== "tls" && error.code !== "local") {
      yield this.#failed("connect", error, ms);
      return;
    }
    const failed = await this.#failedTls(error, ms);
    const connected = Number(failed.facts?.["connectMs"] ?? 0);
    yield this.#result({ step: "connect", ok: true, ms: connected, detail: addresses?.[0] ?? "" });
    yield failed;
  }

  /** What is wrong with a certificate shows when it is looked at without judging it. */
  async #failedTls(error: PortholeError, ms: number): Promise<CheckResult> {
    const failed = this.#failed("tls", error, ms);
    const seen: Seen = { connections: [], credentials: false };
    const facts = () => seen.connections.find(({ secure }) => secure)?.facts;
    let session: Session | undefined;
    try {
      session = await this.#opened(seen, true);
      if (facts() === undefined) await this.#within(firstOf(session.check?.()));
    } catch {
      // The first failure is the one that counts.
    } finally {
      await closed(session);
    }
    const found = facts();
    if (found?.tls === undefined) return failed;
    const weaknesses = tlsWeaknesses(found.tls, this.#limits);
    return {
      ...failed,
      detail: `${failed.detail}: ${certificateWords(found.tls)}`,
      weaknesses,
      tls: tlsJson(found.tls),
      facts: { connectMs: rounded(found.connectMs) },
    };
  }

  #failed(step: CheckStep["step"], error: PortholeError, ms: number): CheckResult {
    return { ...this.#result({ step, ok: false, ms, detail: error.message }), error };
  }

  #result({ step, ok, ms, detail, facts, weaknesses = [] }: CheckStep): CheckResult {
    return {
      url: this.#target.href(this.#target.path),
      protocol: this.#target.protocol,
      step,
      ok,
      grade: ok ? worst(weaknesses.map(({ grade }) => grade)) : "critical",
      ms: rounded(ms),
      detail,
      weaknesses,
      ...(facts === undefined ? {} : { facts }),
    };
  }
}

const LOGIN_IN_CLEAR: Weakness = {
  what: "a login is asked for in clear",
  hint: "let the server ask for it under TLS alone",
  grade: "critical",
};

const FAILURE_OF_STEP: Readonly<Record<CheckStep["step"], ErrorCode>> = {
  resolve: "resolve",
  connect: "connect",
  tls: "tls",
  greeting: "protocol",
  capabilities: "protocol",
  login: "auth",
  roundtrip: "other",
};

/** The exit status of a step: 0, or its failure's. */
export function statusOf({ ok, error, step }: CheckResult): number {
  return ok ? 0 : (error?.exit ?? EXIT_STATUS[FAILURE_OF_STEP[step]]);
}

export function worst(grades: readonly Grade[]): Grade {
  if (grades.includes("critical")) return "critical";
  return grades.includes("warning") ? "warning" : "ok";
}

/** To a thousandth. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Undefined when it failed. */
async function settled<T>(work: PromiseLike<T> | undefined): Promise<T | undefined> {
  try {
    return await work;
  } catch {
    return undefined;
  }
}

/** A session that does not end must not hold the others up. */
const CLOSING_MS = 2000;

async function closed(session: Session | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSING_MS);
  });
  await Promise.race([settled(session?.[Symbol.asyncDispose]()), enough]);
  clearTimeout(timer);
}

async function firstOf<T>(steps: AsyncIterable<T> | undefined): Promise<void> {
  for await (const _step of steps ?? []) return;
}
