/** `--write-out`: curl's variables, filled in from what was asked and answered. */
import type { PortholeError } from "../../src/errors.js";
import { type Header, type HttpRequest, headerValue } from "./engine.js";
import type { Answer } from "./entry.js";
import { answerHead, headersAsSent, requestHead } from "./head-text.js";
import { headerText } from "./header-text.js";
import type { Hop } from "./hops.js";
import { redirectTarget, urlOf } from "./redirects.js";
import { timingOf } from "./timing.js";
import { certificates, verifyResult } from "./write-out-tls.js";

export interface WriteOutFacts {
  readonly method: string;
  /** As the user wrote it. */
  readonly url: string;
  /** Absent when there was none. */
  readonly answer?: Answer;
  readonly failure?: PortholeError | undefined;
  /** On the clock of performance.now(). */
  readonly ended: number;
  /** Octets of the body that went up. */
  readonly uploaded: number;
  /** How often it was asked again, by --retry. */
  readonly retries: number;
  /** Where the answer's body was written to, when that was a file. */
  readonly file?: string | undefined;
}

/**
 * The text, and where it goes: `%{stderr}` and `%{stdout}` change that for what follows them. Unknown variables stand for
 * nothing, as with curl.
 */
export function writeOut(
  format: string,
  facts: WriteOutFacts,
): { readonly stdout: string; readonly stderr: string } {
  const out = { stdout: "", stderr: "" };
  let into: keyof typeof out = "stdout";
  const values = variables(facts);
  const pattern = /%\{([^}]*)\}|%(header\{[^}]*\})|%%|\\([ntr\\])|[^%\\]+|[\s\S]/g;
  for (const [all, variable, header, escaped] of format.matchAll(pattern)) {
    const name = variable ?? header;
    if (name === "stderr" || name === "stdout") into = name;
    else if (name === "onerror") {
      // What follows is for failures alone.
      if (facts.failure === undefined) break;
    } else if (name !== undefined) out[into] += variableOf(name, values, facts);
    else if (escaped !== undefined) out[into] += ESCAPES[escaped] ?? "";
    else out[into] += all === "%%" ? "%" : all;
  }
  return out;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\\": "\\" };

function variableOf(
  name: string,
  values: Readonly<Record<string, string | number>>,
  facts: WriteOutFacts,
): string {
  const header = /^header\{(.*)\}$/.exec(name)?.[1];
  if (header !== undefined) {
    return headerText(headerValue(facts.answer?.response.headers ?? [], header.toLowerCase()) ?? "");
  }
  if (name === "json") return JSON.stringify(values);
  if (name === "header_json") return JSON.stringify(byName(facts.answer?.response.headers ?? []));
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  if (name.startsWith("time_")) return value.toFixed(6);
  return name === "http_code" || name === "response_code" || name === "http_connect"
    ? String(value).padStart(3, "0")
    : String(value);
}

function variables(facts: WriteOutFacts): Readonly<Record<string, string | number>> {
  const { answer, failure, method, url, ended, uploaded } = facts;
  const hops = answer?.hops ?? [];
  const last = hops.at(-1);
  const timing = timingOf(hops, ended);
  const seconds = (ms: number) => Math.round(ms * 1000) / 1e6;
  const connection = last?.times.connection;
  const downloaded = answer?.response.octets?.() ?? 0;
  const speed = (octets: number) => (timing.total > 0 ? Math.round((octets * 1000) / timing.total) : 0);
  const location = headerValue(answer?.response.headers ?? [], "location");
  const redirects = hops.filter(
    (hop, at) => at > 0 && urlOf(hop.place) !== urlOf(hops[at - 1]?.place ?? hop.place),
  );
  return {
    certs: certificates(connection?.tls),
    content_type: headerValue(answer?.response.headers ?? [], "content-type") ?? "",
    errormsg: failure?.message ?? "",
    exitcode: failure?.exit ?? 0,
    filename_effective: facts.file ?? "",
    http_code: answer?.response.status ?? 0,
    http_connect: answerToConnect(last, failure),
    http_version: answer?.response.version ?? "0",
    local_ip: connection?.localAddress ?? "",
    local_port: connection?.localPort ?? 0,
    method: last?.request.method ?? method,
    num_certs: connection?.tls?.chain.length ?? 0,
    num_connects: hops.filter(({ times }) => times.connected).length,
    num_headers: answer?.response.headers.length ?? 0,
    num_redirects: redirects.length,
    num_retries: facts.retries,
    proxy_ssl_verify_result: 0,
    proxy_used: connection?.proxy === undefined ? 0 : 1,
    redirect_url: answer === undefined || location === undefined ? "" : leadingTo(answer, location),
    referer: headerText(headerValue(last?.request.headers ?? [], "referer") ?? ""),
    remote_ip: connection?.address ?? "",
    remote_port: connection?.remotePort ?? connection?.port ?? 0,
    response_code: answer?.response.status ?? 0,
    scheme: last?.place.origin.scheme ?? "",
    size_download: downloaded,
    size_header: hops.reduce((sum, { response }) => sum + answerHead(response).length, 0),
    size_request: hops.reduce((sum, { request }) => sum + headOf(request).length, 0),
    size_upload: uploaded,
    speed_download: speed(downloaded),
    speed_upload: speed(uploaded),
    ssl_verify_result: verifyResult(connection?.tls, failure),
    time_appconnect: seconds(timing.appconnect),
    time_connect: seconds(timing.connect),
    time_namelookup: seconds(timing.namelookup),
    time_pretransfer: seconds(timing.pretransfer),
    time_redirect: seconds(timing.redirect),
    time_starttransfer: seconds(timing.starttransfer),
    time_total: seconds(timing.total),
    url,
    url_effective: answer === undefined ? url : urlOf(answer.place),
    urlnum: 0,
  };
}

function headOf(request: HttpRequest): string {
  return requestHead({ ...request, headers: headersAsSent(request) });
}

/** What an HTTP proxy said to CONNECT; 0 where nobody asked for a tunnel. */
function answerToConnect(last: Hop | undefined, failure: PortholeError | undefined): number {
  const refused = /^HTTP\/1\.\d (\d{3})/.exec(failure?.reply ?? "")?.[1];
  if (last === undefined) return Number(refused ?? 0);
  const tunnelled = last.place.origin.scheme === "https" && last.times.connection?.proxy?.startsWith("http");
  return tunnelled === true ? 200 : 0;
}

function leadingTo({ place }: Answer, location: string): string {
  try {
    return urlOf(redirectTarget(place, location));
  } catch {
    return location;
  }
}

function byName(headers: readonly Header[]): Record<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    found.set(key, [...(found.get(key) ?? []), headerText(value)]);
  }
  return Object.fromEntries(found);
}
