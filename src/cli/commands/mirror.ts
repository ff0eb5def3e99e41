/** `porthole mirror FROM TO` */
import { PortholeError } from "../../errors.js";
import type { Options, OptionValue } from "../../plugin.js";
import { safeLine } from "../../text/safe.js";
import { humanSize } from "../../text/units.js";
import { type MirrorEvent, type MirrorReport, type MirrorRequest, mirror } from "../../verbs/mirror.js";
import type { MirrorWatchEvent, MirrorWatchRequest } from "../../verbs/mirror-watch.js";
import type { Desk } from "../command.js";
import { FailuresView } from "../failures-view.js";
import { jsonLine } from "../json-line.js";
import { largeLine, passedOver, sizeBound } from "../size-bound.js";
import { stateFolder } from "../state-folder.js";
import { refuseBareWord } from "../targets.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { client, options, words } = desk;
  const [from, to, ...more] = words;
  if (from === undefined || to === undefined || more.length > 0) {
    throw new PortholeError("usage", "mirror wants two places", { hint: "porthole mirror FROM TO" });
  }
  refuseBareWord(to);
  const links = linksOf(options);
  const maxSize = sizeBound(options);
  const request: MirrorRequest = {
    client,
    from,
    to,
    dryRun: options["dry-run"] === true,
    delete: options["delete"] === true,
    compareContent: options["compare-content"] === true,
    onlyNewer: options["only-newer"] === true,
    keepNames: options["keep-names"] === true,
    ...links,
    ...(maxSize === undefined ? {} : { maxSize }),
    ...(typeof options["delete-after"] === "number" ? { deleteAfter: options["delete-after"] } : {}),
    include: listOf(options["include"]),
    exclude: listOf(options["exclude"]),
    ...(typeof options["depth"] === "number" ? { depth: options["depth"] } : {}),
    robots: options["robots"] !== false,
    ...(typeof options["wait"] === "number" ? { wait: options["wait"] } : {}),
    jobs: client.policy.jobs,
    retries: client.policy.retries,
    stateFolder: stateFolder(),
    signal: desk.signal,
    progress: (report) => desk.progress(report),
  };
  const { interval } = options;
  if (options["watch"] === true) {
    return goOn(desk, { ...request, ...(typeof interval === "number" ? { interval } : {}) });
  }
  if (interval !== undefined) {
    throw new PortholeError("usage", "--interval is for rounds", {
      hint: "--watch goes on, round after round",
    });
  }
  const failures = new FailuresView(desk);
  let done = 0;
  for await (const event of mirror(request)) {
    if (event.event === "failed") failures.tell(event.error, event.url);
    if (event.event === "done") done = event.copied + (event.marked ?? 0) + event.removed;
    const telling = tell(desk, event);
    if (telling !== undefined) await telling;
  }
  return failures.sum(done);
}

type Broken = Extract<MirrorWatchEvent, { event: "broken" }>;

/** Until it is stopped: each round reports, and the end tells what was done in all. */
async function goOn(desk: Desk, request: MirrorWatchRequest): Promise<undefined> {
  const { mirrorOnAndOn } = await import("../../verbs/mirror-watch.js");
  const { terminal, options } = desk;
  const sums = { rounds: 0, copied: 0, removed: 0, octets: 0 };
  let failures = new FailuresView(desk);
  try {
    for await (const event of mirrorOnAndOn(request)) {
      if (event.event === "broken") {
        await tellBroken(desk, event);
        failures = new FailuresView(desk);
        continue;
      }
      if (event.event === "failed") failures.tell(event.error, event.url);
      const telling = tell(desk, event);
      if (telling !== undefined) await telling;
      if (event.event !== "done") continue;
      sums.rounds += 1;
      sums.copied += event.copied;
      sums.removed += event.removed;
      sums.octets += event.octets;
      failures.sum(event.copied + (event.marked ?? 0) + event.removed, "the next round tries again");
      failures = new FailuresView(desk);
    }
  } finally {
    const { rounds, copied, removed, octets } = sums;
    if (rounds > 0 && !terminal.quiet && options["json"] !== true) {
      const word = rounds === 1 ? "round" : "rounds";
      terminal.say(`${rounds} ${word}: ${copied} copied (${humanSize(octets)}), ${removed} removed`);
    }
  }
  return undefined;
}

function tellBroken({ terminal, options, client }: Desk, event: Broken): Promise<void> | undefined {
  if (options["json"] === true) return terminal.write(jsonLine(event));
  const { error, seconds } = event;
  const reply = error.reply === undefined ? "" : ` (${error.reply.trim()})`;
  const text = `${error.message}${reply}; trying again in ${Math.ceil(seconds)} s`;
  terminal.warn(client.transcript.cover(safeLine(text)));
  return undefined;
}

/** @throws PortholeError `usage` */
function linksOf(options: Options): Pick<MirrorRequest, "links" | "outsideLinks"> {
  const outsideLinks = options["outside-links"] === true;
  const [follows, keeps] = [options["follow-links"] === true || outsideLinks, options["keep-links"] === true];
  if (follows && keeps) {
    throw new PortholeError("usage", "a link is either followed or kept", {
      hint: "--follow-links, or --keep-links",
    });
  }
  if (keeps) return { links: "keep" };
  return follows ? { links: "follow", outsideLinks } : {};
}

function listOf(value: OptionValue): readonly string[] {
  return Array.isArray(value) ? value : [];
}

/** @returns what is still to be waited for */
function tell(desk: Desk, event: MirrorEvent): Promise<void> | undefined {
  const { terminal, options } = desk;
  if (options["json"] === true) return terminal.write(jsonLine(event));
  switch (event.event) {
    case "plan":
      // The plan is what --dry-run is asked for; otherwise what is done is told as it is done.
      return options["dry-run"] === true
        ? terminal.write(`${event.action}\t${safeLine(event.name)}\n`)
        : undefined;
    case "passed":
      terminal.warn(`${event.from}: left out, ${event.why}`);
      return undefined;
    case "renamed":
      terminal.warn(`${event.from}: is named ${event.name} at the target`);
      return undefined;
    case "repeated":
      terminal.warn(`${event.from}: ${event.why}`);
      return undefined;
    case "spared":
      terminal.warn(event.why);
      return undefined;
    case "done":
      if (!terminal.quiet) terminal.say(reportLine(event, sizeBound(options)));
      return undefined;
    case "linked":
      if (terminal.errorIsTerminal && !terminal.quiet) {
        terminal.say(safeLine(`+ ${event.name} -> ${event.target}`));
      }
      return undefined;
    case "large":
      if (terminal.errorIsTerminal && !terminal.quiet)
        terminal.say(safeLine(`  ${largeLine(event.name, event)}`));
      return undefined;
    case "copied":
    case "removed":
      if (terminal.errorIsTerminal && !terminal.quiet) {
        terminal.say(safeLine(`${event.event === "copied" ? "+" : "-"} ${event.name}`));
      }
      return undefined;
    default:
      return undefined;
  }
}

function reportLine(report: MirrorReport, maxSize: number | undefined): string {
  const parts = report.dryRun
    ? ["nothing was changed"]
    : [`${report.copied} copied (${humanSize(report.octets)})`];
  const removed = report.dryRun ? [] : [`${report.removed} removed`];
  const again =
    report.again === undefined
      ? []
      : [`${report.again} of them once more (nothing tells whether they have changed)`];
  const extra = report.extra === 0 ? [] : [`${report.extra} not at the source`];
  const { linksKept = 0, linksFollowed = 0, leftOut = 0 } = report;
  const links = [
    ...(linksKept === 0 ? [] : [`${linksKept} ${linksKept === 1 ? "link" : "links"} kept`]),
    ...(linksFollowed === 0 ? [] : [`${linksFollowed} ${linksFollowed === 1 ? "link" : "links"} followed`]),
    ...(leftOut === 0 ? [] : [`${leftOut} left out`]),
  ];
  const failed = report.failed === 0 ? [] : [`${report.failed} failed`];
  const { marked = 0, large = 0 } = report;
  const flags = marked === 0 ? [] : [`${marked} with new flags`];
  return [
    ...parts,
    ...again,
    ...removed,
    `${report.same} the same`,
    ...flags,
    ...links,
    ...(large === 0 ? [] : [passedOver(large, maxSize)]),
    ...extra,
    ...failed,
  ].join(", ");
}
