/** What a file's octets must add up to, as its publisher says. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { localError, PortholeError } from "../errors.js";

export interface Checksum {
  readonly algorithm: keyof typeof DIGITS;
  /** Lower case. */
  readonly hex: string;
}

/** Hexadecimal digits of each. */
const DIGITS = { crc32: 8, md5: 32, sha1: 40, sha224: 56, sha256: 64, sha384: 96, sha512: 128 } as const;

/** `sha256:HEX`, `SHA-256=HEX`. @throws PortholeError `usage` */
export function parseChecksum(text: string): Checksum {
  const [, name = "", hex = ""] = /^([A-Za-z0-9-]+)[:=]([0-9A-Fa-f]+)$/.exec(text.trim()) ?? [];
  const algorithm = name.toLowerCase().replace("-", "");
  if (!isKnown(algorithm) || hex.length !== DIGITS[algorithm]) {
    throw new PortholeError("usage", `'${text}' is no checksum`, {
      hint: `write sha256: and ${DIGITS.sha256} hexadecimal digits; there are ${Object.keys(DIGITS).join(", ")}`,
    });
  }
  return { algorithm, hex: hex.toLowerCase() };
}

/** @throws PortholeError `protocol` when the file's octets are others, `local` when it cannot be read */
export async function verifyChecksum(path: string, wanted: Checksum, signal?: AbortSignal): Promise<void> {
  const sum = summing(wanted.algorithm);
  const octets = createReadStream(path, { highWaterMark: 1024 * 1024 });
  try {
    const into = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        sum.update(chunk);
        done();
      },
    });
    await pipeline(octets, into, signal === undefined ? {} : { signal });
  } catch (thrown) {
    throw localError(thrown, path);
  }
  const hex = sum.hex();
  if (hex === wanted.hex) return;
  throw new WrongChecksum("protocol", `the checksum is wrong: ${wanted.algorithm}:${hex}`, {
    hint: `${wanted.algorithm}:${wanted.hex} was wanted; nothing was kept`,
  });
}

function summing(algorithm: Checksum["algorithm"]): { update(octets: Buffer): void; hex(): string } {
  if (algorithm !== "crc32") {
    const hash = createHash(algorithm);
    return { update: (octets) => void hash.update(octets), hex: () => hash.digest("hex") };
  }
  let crc = 0;
  return {
    update: (octets) => {
      crc = crc32(octets, crc);
    },
    hex: () => crc.toString(16).padStart(8, "0"),
  };
}

export class WrongChecksum extends PortholeError {}

function isKnown(name: string): name is keyof typeof DIGITS {
  return Object.hasOwn(DIGITS, name);
}
