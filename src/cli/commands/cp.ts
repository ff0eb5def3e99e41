/** `porthole cp [-r] FROM... TO` */
import { PortholeError } from "../../errors.js";
import { safeLine } from "../../text/safe.js";
import { humanSize } from "../../text/units.js";
import { type CpEvent, cp } from "../../verbs/cp.js";
import type { Desk } from "../command.js";
import { FailuresView } from "../failures-view.js";
import { jsonLine } from "../json-line.js";
import { largeLine, passedOver, sizeBound } from "../size-bound.js";
import { stateFolder } from "../state-folder.js";
import { refuseBareWord, refuseFileName } from "../targets.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { client, options, words } = desk;
  const to = words.at(-1);
  const from = words.slice(0, -1);
  if (to === undefined || from.length === 0) {
    throw new PortholeError("usage", "cp wants what to copy, and where to", {
      hint: "porthole cp FROM... TO",
    });
  }
  if (words.includes("-")) {
    throw new PortholeError("usage", "cp copies between places, and - is none", {
      hint: "porthole get URL writes to standard output, porthole put - URL reads standard input",
    });
  }
  for (const one of from) refuseFileName(one);
  refuseBareWord(to);
  const maxSize = sizeBound(options);
  const failures = new FailuresView(desk);
  let done = 0;
  const events = cp({
    client,
    from,
    to,
    recursive: options["recursive"] === true,
    replace: options["force"] === true,
    resume: options["resume"] === true,
    ...(maxSize === undefined ? {} : { maxSize }),
    jobs: client.policy.jobs,
    retries: client.policy.retries,
    journalFolder: stateFolder(),
    signal: desk.signal,
    progress: (report) => desk.progress(report),
  });
  for await (const event of events) {
    if (event.event === "failed") failures.tell(event.error, event.from);
    if (event.event === "done") done = event.copied + event.kept;
    await tell(desk, event);
    // A copy of which a part was not wanted must not look like a whole one.
    if (event.event === "done" && event.large !== undefined && options["json"] !== true) {
      desk.terminal.warn(passedOver(event.large, maxSize));
    }
  }
  return failures.sum(done);
}

async function tell(desk: Desk, event: CpEvent): Promise<void> {
  if (desk.options["json"] === true) {
    await desk.terminal.write(jsonLine(event));
    return;
  }
  const line = lineOf(event);
  if (event.event === "passed" || event.event === "renamed" || event.event === "repeated") {
    desk.terminal.warn(line ?? "");
  } else if (line !== undefined && desk.terminal.errorIsTerminal && !desk.terminal.quiet) {
    desk.terminal.say(safeLine(line));
  }
}

function lineOf(event: CpEvent): string | undefined {
  switch (event.event) {
    case "passed":
      return `${event.from}: left out, ${event.why}`;
    case "renamed":
      return `${event.from}: is named ${event.name} at the target`;
    case "repeated":
      return `${event.from}: ${event.why}`;
    case "large":
      return largeLine(event.from, event);
    case "copied":
      return `${event.to}: ${humanSize(event.size)}`;
    case "done":
      return `${event.copied} copied, ${humanSize(event.octets)}${event.kept === 0 ? "" : `; ${event.kept} were done already`}`;
    default:
      return undefined;
  }
}
