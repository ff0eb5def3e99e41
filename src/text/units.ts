/** Sizes, rates, durations and dates as people read and write them. */
import { PortholeError } from "../errors.js";

const LETTERS = ["", "K", "M", "G", "T", "P", "E"] as const;

/** Octets as `ls -h` shows them, powers of 1024: `0`, `1023`, `1.2M`, `37G`. */
export function humanSize(octets: number): string {
  let value = octets;
  for (const letter of LETTERS) {
    if (letter === "" ? value < 1024 : value < 999.5) {
      // One decimal below ten, as long as it does not round up to 10.0.
      return letter !== "" && value < 9.95 ? `${value.toFixed(1)}${letter}` : `${Math.round(value)}${letter}`;
    }
    value /= 1024;
  }
  return `${Math.round(value * 1024)}E`;
}

/**
 * Octets from `512`, `64k`, `1.5M`, `2G`, `10MiB`: powers of 1024, case and a closing `B`, `iB` or `/s` do not matter.
 * @throws PortholeError `usage`; `what` names the option at fault.
 */
export function parseSize(text: string, what: string): number {
  const parts = /^(\d+(?:\.\d+)?)([kmgtpe]?)(?:i?b)?(?:\/s)?$/i.exec(text.trim());
  const power = LETTERS.findIndex((letter) => letter === (parts?.[2] ?? "").toUpperCase());
  const octets = parts === null ? Number.NaN : Math.round(Number(parts[1]) * 1024 ** power);
  if (!Number.isSafeInteger(octets)) {
    throw new PortholeError("usage", `${what}: '${text}' is not a size`, { hint: "write 1500, 64k or 2.5M" });
  }
  return octets;
}

/** Seconds as a clock that grows: `0.4s`, `12s`, `3:05`, `1:02:03`, `2d 3h`. */
export function humanDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "--";
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const [minutes, hours] = [Math.floor(whole / 60), Math.floor(whole / 3600)];
  if (hours >= 24) return `${Math.floor(hours / 24)}d ${hours % 24}h`;
  const tail = String(whole % 60).padStart(2, "0");
  return hours === 0 ? `${minutes}:${tail}` : `${hours}:${String(minutes % 60).padStart(2, "0")}:${tail}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
/** Half a year, as ls counts it. */
const RECENT = 365.2425 * 43_200_000;

/** A date as `ls -l` shows it, twelve columns, local time: the hour within half a year past, the year otherwise. */
export function listingDate(date: Date, now = new Date()): string {
  const age = now.getTime() - date.getTime();
  if (Number.isNaN(age)) return "-".padStart(12);
  const day = `${MONTHS[date.getMonth()] ?? ""} ${String(date.getDate()).padStart(2)}`;
  if (age > RECENT || age < 0) return `${day} ${String(date.getFullYear()).padStart(5)}`;
  const [hour, minute] = [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0"));
  return `${day} ${hour}:${minute}`;
}
