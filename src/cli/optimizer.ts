/**
 * V8's optimising compiler, told to wait until code has cost something.
 *
 * It works beside the program, and in a run of a second or two most of what it makes never pays: a mirror of two thousand mails
 * took 2.16 s of the processor's time with it and 1.8 s so, where the server had to share two cores.
 * Code that runs for long is optimised as before, some milliseconds later. A run that is over before that is noticed loads
 * nothing for it.
 */

/** Microseconds of the processor's time after which a run is no short one: start-up takes a third of it. */
const LONG_ENOUGH = 250_000;
const LOOKED_AT_EVERY_MS = 50;

/** Octets of bytecode that a function runs through between two looks at it; V8 has 67,584. */
const BUDGET = 1_000_000;

/** The V8 of Node 20, for which this was measured; others have other compilers. */
const MEASURED = /^11\./;

export function holdBackOptimizer(): void {
  if (!MEASURED.test(process.versions.v8)) return;
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage();
    if (user + system < LONG_ENOUGH) return;
    clearInterval(timer);
    void import("node:v8").then(({ setFlagsFromString }) => {
      setFlagsFromString(`--interrupt-budget=${BUDGET}`);
    });
  }, LOOKED_AT_EVERY_MS);
  timer.unref();
}
