/** Lines of LIST from servers that are neither Unix nor MS-DOS: EPLF, VMS, NetWare, OS/2. */
import { listedDate } from "./listed-date.js";
import type { Listed } from "./listing.js";
import { textOf } from "./octets.js";

/** @returns undefined for a line of another form */
export function parseRareLine(line: string, now: Date): Listed | undefined {
  return eplf(line) ?? vms(line, now) ?? netware(line, now) ?? os2(line, now);
}

/** `+i8388621.48594,m825718503,r,s280,<tab>name`: Easily Parsed LIST Format, by D. J. Bernstein. */
function eplf(line: string): Listed | undefined {
  const tab = line.indexOf("\t");
  if (!line.startsWith("+") || tab < 0) return undefined;
  let kind: Listed["kind"] = "other";
  let size: number | undefined;
  let modified: Date | undefined;
  const meta: Record<string, string> = {};
  for (const fact of line.slice(1, tab).split(",")) {
    const rest = fact.slice(1);
    if (fact === "/") kind = "directory";
    else if (fact === "r") kind = "file";
    else if (fact.startsWith("s") && /^\d{1,15}$/.test(rest)) size = Number(rest);
    else if (fact.startsWith("m") && /^\d{1,11}$/.test(rest)) modified = new Date(Number(rest) * 1000);
    else if (fact.startsWith("i")) meta["unique"] = textOf(rest);
    else if (/^up[0-7]{3,4}$/.test(fact)) meta["mode"] = fact.slice(2).padStart(4, "0");
  }
  return listed(line.slice(tab + 1), kind, { size, modified, meta });
}

const VMS_BLOCK = 512;

/**
 * `CORE.DIR;1    1/9  8-SEP-1996 16:09:11 [SYSTEM]  (RWE,RWE,RE,RE)`. Sizes are in blocks of 512 octets, so they
 * bound a file's length and do not tell it. Of the versions of a file the plain name means the newest.
 */
function vms(line: string, now: Date): Listed | undefined {
  const parts =
    /^(\S+);(\d+)\s+(\d+)(?:\/\d+)?K?\s+(\d{1,2})-([A-Za-z]{3})-(\d{4})\s+(?:(\d{1,2}:\d\d)(?::\d\d(?:\.\d+)?)?\s*)?(?:\[([^\]]*)\])?\s*(?:\(([^)]*)\))?\s*$/.exec(
      line,
    );
  if (parts === null) return undefined;
  const [, written = "", version = "", blocks = "", day = "", month = "", year = "", time, owner, rights] =
    parts;
  const isFolder = /\.DIR$/i.test(written);
  const date = listedDate(`${day} ${month} ${year}`, now);
  const [hour = 0, minute = 0] = (time ?? "0:00").split(":").map(Number);
  const modified = date === undefined ? undefined : new Date(date.getTime() + (hour * 60 + minute) * 60_000);
  return listed(isFolder ? written.slice(0, -4) : written, isFolder ? "directory" : "file", {
    modified,
    meta: {
      version,
      blocks,
      mostOctets: String(Number(blocks) * VMS_BLOCK),
      ...(owner === undefined ? {} : { owner: textOf(owner) }),
      ...(rights === undefined ? {} : { permissions: textOf(rights) }),
    },
  });
}

/** `d [R----F--] supervisor            512       Jan 16 18:53    login`. */
function netware(line: string, now: Date): Listed | undefined {
  const parts =
    /^([d-])\s?\[([-A-Z]{6,9})\]\s+(\S+)\s+(\d{1,15})\s+([A-Za-z]{3}\s+\d{1,2}\s+(?:\d{1,2}:\d\d|\d{4}))\s+(.+)$/.exec(
      line,
    );
  if (parts === null) return undefined;
  const [, letter, rights = "", owner = "", size = "", date = "", name = ""] = parts;
  const isFolder = letter === "d";
  return listed(name, isFolder ? "directory" : "file", {
    size: isFolder ? undefined : Number(size),
    modified: listedDate(date.replace(/\s+/g, " "), now),
    meta: { owner: textOf(owner), permissions: rights },
  });
}

/** `     0           DIR   12-30-97   12:32  LANGUAGE`, `  1098      A          04-02-97   06:51  test.txt`. */
function os2(line: string, now: Date): Listed | undefined {
  const parts =
    /^\s*(\d{1,15})\s+((?:[ARHS]+\s+)?(?:DIR\s+)?)(\d\d-\d\d-(?:\d{4}|\d\d|1\d\d))\s+(\d{1,2}:\d\d)\s+(\S.*)$/.exec(
      line,
    );
  if (parts === null) return undefined;
  const [, size = "", attributes = "", day = "", time = "", name = ""] = parts;
  const isFolder = /\bDIR\b/.test(attributes);
  const flags = attributes.replace(/\bDIR\b/, "").trim();
  // Some write the years since 1900: 101 for 2001.
  const full = day.replace(/(?<=-)1\d\d$/, (years) => String(1900 + Number(years)));
  return listed(name, isFolder ? "directory" : "file", {
    size: isFolder ? undefined : Number(size),
    modified: listedDate(`${full} ${time}`, now),
    meta: flags === "" ? {} : { attributes: flags },
  });
}

function listed(
  name: string,
  kind: Listed["kind"],
  { size, modified, meta }: { size?: number | undefined; modified: Date | undefined; meta: Listed["meta"] },
): Listed {
  return {
    name,
    kind,
    ...(size === undefined || kind !== "file" ? {} : { size }),
    ...(modified === undefined ? {} : { modified }),
    meta,
  };
}
