/** Dates of listings. LIST leaves out the year or the time, and the time zone always: they are read as UTC. */

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAY_MS = 86_400_000;

/** RFC 3659, 2.3: `YYYYMMDDHHMMSS`, a fraction of a second allowed; always UTC. */
export function timeVal(text: string): Date | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?$/.exec(text);
  if (parts === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const milliseconds = Math.floor(Number(`0.${parts[7] ?? "0"}`) * 1000);
  const date = utc(year, month - 1, day, hour, minute);
  return date === undefined ? undefined : new Date(date.getTime() + second * 1000 + milliseconds);
}

/**
 * The date column of LIST: `Dec 11 14:35`, `Dec 11 2023`, `11 Dec 2023`, `2023-12-11 14:35`, `12-05-96 05:03PM`.
 * Without a year it is the last such day that is not in the future, a day's grace allowed for time zones.
 * @returns undefined for what cannot be read: months in other languages, days that there are not
 */
export function listedDate(text: string, now: Date): Date | undefined {
  return unixDate(text, now) ?? isoDate(text) ?? dosDate(text);
}

function unixDate(text: string, now: Date): Date | undefined {
  const parts =
    /^([A-Za-z]{3})\s+(\d{1,2})\s+(\S+)$/.exec(text) ??
    swap(/^(\d{1,2})\s+([A-Za-z]{3})\s+(\S+)$/.exec(text));
  if (parts === null) return undefined;
  const [, monthName = "", dayText, yearOrTime = ""] = parts;
  const month = MONTHS.indexOf(monthName.toLowerCase());
  const day = Number(dayText);
  if (month < 0) return undefined;
  if (/^\d{4}$/.test(yearOrTime)) return utc(Number(yearOrTime), month, day, 0, 0);
  const time = /^(\d{1,2}):(\d\d)$/.exec(yearOrTime);
  if (time === null) return undefined;
  return lastSuchDay(month, day, Number(time[1]), Number(time[2]), now);
}

/** Day before month, put the other way round. */
function swap(parts: RegExpExecArray | null): readonly (string | undefined)[] | null {
  return parts === null ? null : [parts[0], parts[2], parts[1], parts[3]];
}

function lastSuchDay(month: number, day: number, hour: number, minute: number, now: Date): Date | undefined {
  const thisYear = now.getUTCFullYear();
  // Up to eight years lie between two leap days (1896 and 1904).
  for (let year = thisYear + 1; year >= thisYear - 8; year--) {
    const date = utc(year, month, day, hour, minute);
    if (date !== undefined && date.getTime() <= now.getTime() + DAY_MS) return date;
  }
  return undefined;
}

function isoDate(text: string): Date | undefined {
  const parts = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})\s+(\d{1,2}):(\d\d)$/.exec(text);
  if (parts === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = parts.slice(1).map(Number);
  return utc(year, month - 1, day, hour, minute);
}

function dosDate(text: string): Date | undefined {
  const parts = /^(\d\d)[-/](\d\d)[-/](\d{4}|\d\d)\s+(\d{1,2}):(\d\d)\s*([AP]M)?$/i.exec(text);
  if (parts === null) return undefined;
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0] = parts.slice(1, 6).map(Number);
  const half = parts[6]?.toUpperCase();
  const hours = half === undefined ? hour : (hour % 12) + (half === "PM" ? 12 : 0);
  return utc(parts[3]?.length === 2 ? century(year) : year, month - 1, day, hours, minute);
}

function century(twoDigits: number): number {
  return twoDigits < 70 ? 2000 + twoDigits : 1900 + twoDigits;
}

/** Undefined when there is no such day or hour: Date would carry it over into the next. */
function utc(year: number, month: number, day: number, hour: number, minute: number): Date | undefined {
  const date = new Date(Date.UTC(year, month, day, hour, minute));
  const same = date.getUTCMonth() === month && date.getUTCDate() === day && date.getUTCHours() === hour;
  return same ? date : undefined;
}
