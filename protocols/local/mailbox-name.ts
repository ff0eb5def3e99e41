/** Names of Maildir++ folders: `.Lists.tech`, other letters than ASCII in modified UTF-7 (RFC 3501, 5.1.3). */

/** As people read it: `Lists/tech`. What is no sound UTF-7 stays as it is. */
export function readableName(written: string): string {
  return written
    .replace(/^\./, "")
    .replaceAll(".", "/")
    .replace(/&([A-Za-z0-9+,]*)-/g, (all: string, coded: string) => {
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
