/** Names of Maildir++ folders: `.Lists.tech`, other letters than ASCII in modified UTF-7 (RFC 3501, 5.1.3). */
import { textOf } from "./path.js";

/** As people read it: `Lists/tech`. What is no sound UTF-7 stays as it is. */
export function readableName(written: string): string {
  return levelsOf(written).join("/");
}

/** The levels of `.Lists.tech`, as people read them. */
export function levelsOf(written: string): string[] {
  return written.replace(/^\./, "").split(".").map(decoded);
}

/** The name of a Maildir++ folder for these levels: a dot parts them there, so one within a level is coded as other letters are. */
export function plusName(levels: readonly Uint8Array[]): Buffer {
  const coded = levels.map((level) => {
    const text = textOf(level);
    return text.replace(/&|[^\x20-\x7e]+|\.+/g, (run) =>
      run === "&"
        ? "&-"
        : `&${Buffer.from(run, "utf16le").swap16().toString("base64").replace(/=+$/, "").replaceAll("/", ",")}-`,
    );
  });
  return Buffer.from(`.${coded.join(".")}`);
}

function decoded(level: string): string {
  return level.replace(/&([A-Za-z0-9+,]*)-/g, (all: string, coded: string) => {
    if (coded === "") return "&";
    const octets = Buffer.from(coded.replaceAll(",", "/"), "base64");
    return octets.length < 2
      ? all
      : octets
          .subarray(0, octets.length & ~1)
          .swap16()
          .toString("utf16le");
  });
}
