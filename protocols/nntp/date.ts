/** Dates as they stand in old and broken articles, beyond those of RFC 5322 (which src/message/headers.ts reads). */

const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";
/** `Wed Jun 30 21:49:08 1993`, with a zone before or after the year (asctime, and what Unix's date prints). */
const ASCTIME =
  /\b([a-z]{3})[a-z]*\.?,? +(\d{1,2}),? +(\d{1,2}):(\d{2})(?::(\d{2}))?(?: +([a-z]{1,5}|[+-]\d{4}))? +(\d{4})\b/i;
/** `Jan 02, 1997 10:11:12`. */
const AMERICAN =
  /\b([a-z]{3})[a-z]*\.? +(\d{1,2}),? +(\d{4})(?:,?(?: +at)? +(\d{1,2}):(\d{2})(?::(\d{2}))?)?/i;
/** `1997-01-02 10:11:12`, `1997-01-02T10:11:12Z`, `1997-01-02T10:11:12+0200`. */
const ISO =
  /\b(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?(?:\.\d+)? ?(Z|[+-]\d{2}:?\d{2})?)?/i;
/** A day without a time: `2 Jan 1997`. */
const DAY_ALONE = /\b(\d{1,2})[ -]([a-z]{3})[a-z]*[ -](\d{2,4})\b/i;

/** The time that a broken Date field most likely means; undefined when it means none. */
export function newsDate(raw: string): Date | undefined {
  return asctime(raw) ?? iso(raw) ?? american(raw) ?? dayAlone(raw);
}

function asctime(raw: string): Date | undefined {
  const match = ASCTIME.exec(raw);
  if (match === null) return undefined;
  const [, month = "", day, hour, minute, second, zone = "", year] = match;
  return at([year, monthOf(month), day, hour, minute, second], offsetOf(zone));
}

function iso(raw: string): Date | undefined {
  const match = ISO.exec(raw);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, zone = ""] = match;
  return at([year, Number(month) - 1, day, hour, minute, second], offsetOf(zone));
}

function american(raw: string): Date | undefined {
  const match = AMERICAN.exec(raw);
  if (match === null) return undefined;
  const [, month = "", day, year, hour, minute, second] = match;
  return at([year, monthOf(month), day, hour, minute, second], 0);
}

function dayAlone(raw: string): Date | undefined {
  const match = DAY_ALONE.exec(raw);
  if (match === null) return undefined;
  const [, day, month = "", written = ""] = match;
  // RFC 5322, 4.3.
  const year = written.length > 2 ? Number(written) : Number(written) + (Number(written) < 50 ? 2000 : 1900);
  return at([year, monthOf(month), day, "0", "0", "0"], 0);
}

type Part = string | number | undefined;

/** @param offset minutes east */
function at(parts: readonly Part[], offset: number): Date | undefined {
  const [year = 0, month = 0, day = 1, hour = 0, minute = 0, second = 0] = parts.map((part) =>
    Number(part ?? 0),
  );
  if (month < 0 || month > 11 || day < 1 || day > 31 || hour > 24 || minute > 59) return undefined;
  const date = new Date(Date.UTC(year, month, day, hour, minute, Math.min(59, second)) - offset * 60_000);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function monthOf(name: string): number {
  const index = MONTHS.indexOf(name.slice(0, 3).toLowerCase());
  return index % 3 === 0 ? index / 3 : -1;
}

function offsetOf(zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  if (sign === undefined) return 0;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
