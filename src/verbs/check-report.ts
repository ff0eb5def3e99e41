/** The results of `check` as monitoring systems read them. */
import type { JsonObject } from "../plugin.js";
import { safeLine } from "../text/safe.js";
import { type CheckResult, type Grade, statusOf, worst } from "./check.js";

export interface TimeLimits {
  /** Milliseconds for all steps of a target together. */
  readonly warnMs?: number;
  readonly criticalMs?: number;
}

/** All that became of one target. */
export interface TargetReport {
  readonly url: string;
  readonly grade: Grade;
  /** All steps together. */
  readonly ms: number;
  readonly daysLeft?: number;
  /** What is wrong, the worst first; empty when nothing is. */
  readonly complaints: readonly string[];
  readonly results: readonly CheckResult[];
}

/** One step as a line of `--json` has it. */
export function checkJson(result: CheckResult): JsonObject {
  const { url, step, ok, ms, grade, detail, tls, weaknesses, facts, error } = result;
  return {
    url,
    step,
    ok,
    ms,
    grade,
    detail,
    ...(tls === undefined ? {} : { tls }),
    ...(weaknesses.length === 0 ? {} : { weaknesses: weaknesses.map((weakness) => ({ ...weakness })) }),
    ...(facts === undefined ? {} : { [result.protocol]: facts }),
    ...(error === undefined ? {} : { error: error.toJSON() }),
  };
}

/** The results of each target together, in the order given. */
export function reportsOf(
  urls: readonly string[],
  results: readonly CheckResult[],
  limits: TimeLimits = {},
): TargetReport[] {
  const byUrl = new Map<string, CheckResult[]>(urls.map((url) => [url, []]));
  for (const result of results) byUrl.get(result.url)?.push(result);
  return urls.map((url) => reportOf(url, byUrl.get(url) ?? [], limits));
}

function reportOf(url: string, results: readonly CheckResult[], limits: TimeLimits): TargetReport {
  const ms = results.reduce((sum, result) => sum + result.ms, 0);
  const slow = slowness(ms, limits);
  const days = results.map(({ tls }) => tls?.["daysLeft"]).find((left) => typeof left === "number");
  const weaknesses = results.flatMap((result) => result.weaknesses);
  const failed = results.filter(({ ok }) => !ok).map(({ step, detail }) => `${step}: ${detail}`);
  const ranked = [
    ...weaknesses.filter(({ grade }) => grade === "critical"),
    ...weaknesses.filter(({ grade }) => grade !== "critical"),
  ].map(({ what }) => what);
  return {
    url,
    grade: worst([...results.map(({ grade }) => grade), slow, results.length === 0 ? "critical" : "ok"]),
    ms,
    ...(days === undefined ? {} : { daysLeft: days }),
    complaints: [...failed, ...ranked, ...(slow === "ok" ? [] : [`took ${Math.round(ms)} ms`])],
    results,
  };
}

function slowness(ms: number, { warnMs, criticalMs }: TimeLimits): Grade {
  if (criticalMs !== undefined && ms > criticalMs) return "critical";
  return warnMs !== undefined && ms > warnMs ? "warning" : "ok";
}

/** The first failing step's status, or 0. */
export function exitStatusOf(results: readonly CheckResult[]): number {
  return results.map(statusOf).find((status) => status !== 0) ?? 0;
}

const NAGIOS_STATUS: Readonly<Record<Grade, number>> = { ok: 0, warning: 1, critical: 2 };

/** As the Monitoring Plugins guidelines have it: one line of text, a bar, the numbers; further targets below. */
export function nagiosReport(
  reports: readonly TargetReport[],
  limits: TimeLimits = {},
): { readonly status: number; readonly text: string } {
  const grade = worst(reports.map((report) => report.grade));
  const bad = reports.filter((report) => report.grade !== "ok");
  const words =
    bad.length === 0
      ? reports.length === 1
        ? `${reports[0]?.url ?? ""} in ${Math.round(reports[0]?.ms ?? 0)} ms`
        : `${reports.length} targets are well`
      : bad.map(({ url, complaints }) => `${url}: ${complaints[0] ?? "not well"}`).join("; ");
  const numbers = reports.flatMap((report) => perfdata(report, reports.length > 1, limits));
  const more = bad.flatMap(({ url, complaints }) => complaints.slice(1).map((words) => `${url}: ${words}`));
  // A bar would begin the numbers, wherever it came from.
  const line = (text: string) => safeLine(text).replaceAll("|", "/");
  const lines = [
    `PORTHOLE ${grade.toUpperCase()} - ${line(words)} | ${numbers.join(" ")}`,
    ...more.map(line),
  ];
  return { status: NAGIOS_STATUS[grade], text: `${lines.join("\n")}\n` };
}

function perfdata(report: TargetReport, several: boolean, limits: TimeLimits): string[] {
  const label = (name: string) =>
    `'${several ? `${safeLine(report.url)} ` : ""}${name}'`.replaceAll("=", "%3D");
  const seconds = (ms: number | undefined) => (ms === undefined ? "" : String(ms / 1000));
  const time = `${label("time")}=${(report.ms / 1000).toFixed(6)}s;${seconds(limits.warnMs)};${seconds(limits.criticalMs)};0`;
  const steps = report.results.map(({ step, ms }) => `${label(step)}=${(ms / 1000).toFixed(6)}s;;;0`);
  const days = report.daysLeft === undefined ? [] : [`${label("days_left")}=${report.daysLeft};;`];
  return [time, ...steps, ...days];
}

/** Prometheus' text format, as the node exporter's textfile collector takes it. */
export function prometheusReport(reports: readonly TargetReport[]): string {
  const url = (report: TargetReport) => `url="${labelValue(report.url)}"`;
  const metric = (name: string, help: string, samples: readonly string[]) =>
    samples.length === 0
      ? []
      : [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...samples.map((sample) => `${name}${sample}`)];
  const steps = (value: (result: CheckResult) => number) =>
    reports.flatMap((report) =>
      report.results.map((result) => `{${url(report)},step="${result.step}"} ${value(result)}`),
    );
  return [
    ...metric(
      "porthole_up",
      "Whether every step of the target is well.",
      reports.map(
        (report) =>
          `{${url(report)}} ${report.results.length > 0 && exitStatusOf(report.results) === 0 ? 1 : 0}`,
      ),
    ),
    ...metric(
      "porthole_step_ok",
      "Whether the step is well.",
      steps(({ ok }) => (ok ? 1 : 0)),
    ),
    ...metric(
      "porthole_step_seconds",
      "How long the step took.",
      steps(({ ms }) => ms / 1000),
    ),
    ...metric(
      "porthole_certificate_days_left",
      "Whole days until the certificate expires.",
      reports.flatMap((report) =>
        report.daysLeft === undefined ? [] : [`{${url(report)}} ${report.daysLeft}`],
      ),
    ),
    ...metric(
      "porthole_weaknesses",
      "What works and is unsafe.",
      reports.map(
        (report) =>
          `{${url(report)}} ${report.results.reduce((sum, { weaknesses }) => sum + weaknesses.length, 0)}`,
      ),
    ),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/** Backslash, quote and line end are written with a backslash. */
function labelValue(text: string): string {
  return safeLine(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"');
}
