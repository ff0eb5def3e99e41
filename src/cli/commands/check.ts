/** `porthole check URL...` */
import { doorTo } from "../../checking.js";
import { PortholeError } from "../../errors.js";
import { safeLine } from "../../text/safe.js";
import type { CheckResult } from "../../verbs/check.js";
import { checkMany } from "../../verbs/check-many.js";
import {
  checkJson,
  exitStatusOf,
  nagiosReport,
  prometheusReport,
  reportsOf,
  type TargetReport,
} from "../../verbs/check-report.js";
import { eachPort } from "../../verbs/ports.js";
import type { Desk } from "../command.js";
import { jsonLine } from "../json-line.js";
import { emptyList, urlsFromFile } from "../url-list.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { client, options } = desk;
  const asked = [...desk.words, ...(await urlsFromFile(desk))].map(eachPort);
  const urls = [...new Set(asked.flat())];
  if (urls.length === 0) {
    throw new PortholeError("usage", emptyList(desk) ?? "check wants a URL", {
      hint: "porthole check URL..., or --input FILE with a URL a line",
    });
  }
  const targets = urls.map((url) => {
    const target = client.target(url);
    client.require(target, "check", ["check", "ls", "get", "send", "interact"]);
    return target;
  });
  const number = (flag: string) => (typeof options[flag] === "number" ? options[flag] : undefined);
  const limits = {
    ...given("warnDays", number("warn-days")),
    ...given("criticalDays", number("crit-days")),
    ...given("jobs", number("jobs")),
    signal: desk.signal,
  };
  const times = { ...given("warnMs", number("warn-ms")), ...given("criticalMs", number("crit-ms")) };
  const style = styleOf(desk);
  const results: CheckResult[] = [];
  // Of many ports people want to see which of them are open.
  const scanned = new Set(asked.filter((ports) => ports.length > 1).flat());
  const places = targets.map((target) => target.href(target.path));
  const lines = new Set(
    places.filter((place, at) => place.startsWith("tcp:") && scanned.has(urls[at] ?? "")),
  );
  const shown = new Blocks(desk, targets.length > 1, lines);
  const doors = targets.map((target) => ({ target, door: doorTo(client, target) }));
  for await (const result of checkMany(doors, limits)) {
    results.push(result);
    if (style === "json") await write(desk, jsonLine(checkJson(result)));
    if (style === "people") await shown.add(result);
  }
  // In the order of the targets, whichever was done first.
  const reports = reportsOf([...new Set(places)], results, times);
  const ordered = reports.flatMap((report) => report.results);
  if (style === "nagios") {
    const { status, text } = nagiosReport(reports, times);
    await write(desk, text);
    return status;
  }
  if (style === "prometheus") await write(desk, prometheusReport(reports));
  if (style === "people") await shown.end(reports);
  return exitStatusOf(ordered);
}

/** A server may repeat a password in its refusal. */
function write({ terminal, client }: Desk, text: string): Promise<void> {
  return terminal.write(client.transcript.cover(text));
}

function given<K extends string>(key: K, value: number | undefined): { readonly [P in K]?: number } {
  const facts: { [P in K]?: number } = {};
  if (value !== undefined) facts[key] = value;
  return facts;
}

type Style = "json" | "nagios" | "prometheus" | "people";

/** @throws PortholeError `usage` */
function styleOf({ options }: Desk): Style {
  const wanted = (["json", "nagios", "prometheus"] as const).filter((style) => options[style] === true);
  if (wanted.length < 2) return wanted[0] ?? "people";
  throw new PortholeError("usage", `${wanted.map((style) => `--${style}`).join(" and ")} exclude each other`);
}

function isOpen({ results }: TargetReport): boolean {
  return results.some(({ step, ok }) => step === "connect" && ok);
}

/** For people: with one target its steps as they come, with several a block for each, and a line for each port. */
class Blocks {
  readonly #desk: Desk;
  readonly #several: boolean;
  readonly #ports: ReadonlySet<string>;

  /** @param ports URLs that stand for one port of many, and get a line each */
  constructor(desk: Desk, several: boolean, ports: ReadonlySet<string>) {
    this.#desk = desk;
    this.#several = several;
    this.#ports = ports;
  }

  async add(result: CheckResult): Promise<void> {
    if (!this.#several) await write(this.#desk, this.#lines(result));
  }

  async end(reports: readonly TargetReport[]): Promise<void> {
    const { terminal } = this.#desk;
    for (const report of reports) {
      if (this.#ports.has(report.url)) await write(this.#desk, this.#port(report));
      else if (this.#several) {
        const steps = report.results.map((result) => this.#lines(result)).join("");
        await write(this.#desk, `${terminal.paint("bold", safeLine(report.url))}\n${steps}`);
      }
    }
    const { size } = this.#ports;
    const open = reports.filter((report) => this.#ports.has(report.url) && isOpen(report)).length;
    if (size > 0) await write(this.#desk, `${open} of ${size} ports are open\n`);
  }

  #port(report: TargetReport): string {
    const { paint } = this.#desk.terminal;
    const { url, results } = report;
    const last = results.at(-1);
    const closed =
      last?.error?.code === "timeout" ? "silent" : last?.step === "connect" ? "closed" : "failed";
    const state = isOpen(report) ? paint("green", "open  ") : paint("red", closed);
    // What it said unasked, or why not: without the place, which stands before it.
    const said = last?.step === "greeting" ? last.detail : (last?.error?.message ?? "").replace(/^\S+: /, "");
    return `${`${state}  ${safeLine(url)}  ${safeLine(said)}`.trimEnd()}\n`;
  }

  #lines({ step, grade, ms, detail, weaknesses, error }: CheckResult): string {
    const { paint } = this.#desk.terminal;
    const color = { ok: "green", warning: "yellow", critical: "red" } as const;
    const mark = paint(
      color[grade],
      (error === undefined ? { ok: "ok", warning: "warn", critical: "weak" }[grade] : "FAIL").padEnd(4),
    );
    const reply = error?.reply === undefined ? "" : ` (${error.reply})`;
    const hints = [
      ...(error?.hint === undefined ? [] : [error.hint]),
      ...weaknesses.map(({ what, hint }) => `${what}: ${hint}`),
    ];
    const lines = [
      `${mark}  ${step.padEnd(12)}  ${`${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`.padStart(8)}  ${safeLine(detail + reply)}`,
      ...hints.map((hint) => `${" ".repeat(30)}! ${safeLine(hint)}`),
    ];
    return lines.map((line) => `${line.trimEnd()}\n`).join("");
  }
}
