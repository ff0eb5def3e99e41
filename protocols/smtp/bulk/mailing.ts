/** A mailing: letters of one outbox over several connections, told as they are answered. */
import type { Context, Target } from "../../../src/plugin.js";
import type { Journal } from "../../../src/verbs/journal.js";
import type { Delivery } from "../delivery.js";
import { Carrier } from "./carrier.js";
import type { Outcome } from "./letter.js";
import { Outbox } from "./outbox.js";
import { Pace } from "./pace.js";
import type { Row } from "./rows.js";
import type { Template } from "./template.js";

export interface Mailing {
  readonly rows: AsyncGenerator<Row, void, undefined>;
  readonly template: Template;
  readonly journal: Journal | undefined;
  readonly delivery: Delivery;
  /** Connections at the same time. */
  readonly jobs: number;
  /** Mails in all, and on each connection: `10/s`, `300/m`. */
  readonly rate: string | undefined;
  readonly ratePerConnection: string | undefined;
  readonly retries: number;
  /** Milliseconds. */
  readonly backOff: number;
  readonly resendUnknown: boolean;
}

/** @throws PortholeError when the server, or the list, is not to be had any more: what was told holds */
export async function* mailed(
  target: Target,
  context: Context,
  mailing: Mailing,
): AsyncGenerator<Outcome, void, undefined> {
  const told: Outcome[] = [];
  let stir: () => void = () => {};
  const tell = (outcome: Outcome) => {
    told.push(outcome);
    stir();
  };
  const { journal, rate, ratePerConnection, retries, backOff, delivery, resendUnknown } = mailing;
  const all = rate === undefined ? [] : [Pace.parse(rate, "rate")];
  const own = () =>
    ratePerConnection === undefined ? [] : [Pace.parse(ratePerConnection, "rate-per-connection")];
  own();
  const ending = new AbortController();
  const signal = AbortSignal.any([context.signal, ending.signal]);
  const within = { ...context, signal };
  const outbox = new Outbox(mailing.rows, mailing.template, { journal, resendUnknown, signal, tell });
  let failure: unknown;
  let failed = false;
  let carrying = mailing.jobs;
  const carriers = Array.from({ length: mailing.jobs }, async () => {
    const options = { journal, delivery, paces: [...all, ...own()], retries, backOff, tell };
    try {
      await new Carrier(outbox, target, within, options).run();
    } catch (thrown) {
      if (!failed) failure = thrown;
      failed = true;
      // The others take what is left, unless it is the list that fails; waiting for better times ends.
      ending.abort(thrown);
    } finally {
      carrying -= 1;
      stir();
    }
  });
  try {
    for (;;) {
      yield* told.splice(0);
      if (carrying === 0 && told.length === 0) break;
      await new Promise<void>((resolve) => {
        stir = resolve;
        if (told.length > 0 || carrying === 0) resolve();
      });
    }
    if (failed) throw failure;
  } finally {
    ending.abort();
    await Promise.all(carriers);
    await outbox.close();
  }
}
