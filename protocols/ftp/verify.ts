/** Checksums: what the server says a file's octets make, beside what went over the wire. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { PortholeError } from "../../src/errors.js";
import type { Control } from "./control.js";
import { refusal, wordsOf } from "./refusal.js";

export interface Digest {
  /** As HASH names it: `SHA-256`. */
  readonly algorithm: string;
  /** Lower case. */
  readonly hex: string;
}

interface Algorithm {
  readonly name: string;
  /** Hexadecimal digits. */
  readonly digits: number;
  /** What servers without HASH know it by. */
  readonly command: string;
  /** As node:crypto names it; CRC32 is zlib's. */
  readonly node?: string;
}

/** Best first. */
const ALGORITHMS: readonly Algorithm[] = [
  { name: "SHA-512", digits: 128, command: "XSHA512", node: "sha512" },
  { name: "SHA-256", digits: 64, command: "XSHA256", node: "sha256" },
  { name: "SHA-1", digits: 40, command: "XSHA1", node: "sha1" },
  { name: "MD5", digits: 32, command: "XMD5", node: "md5" },
  { name: "CRC32", digits: 8, command: "XCRC" },
];

/** What HASH computes on a connection since OPTS HASH: FEAT was asked before. */
const chosen = new WeakMap<Control, string>();

/** How this server computes checksums. */
interface Way {
  readonly algorithm: Algorithm;
  /** HASH computes what OPTS HASH chose (draft-bryan-ftp-hash). */
  readonly byHash: boolean;
}

/**
 * @param wanted an algorithm by any of its usual names; the best that there is when absent
 * @throws PortholeError `refused` when the server computes none
 */
export async function wayOf(control: Control, wanted?: string): Promise<Way> {
  const name = wanted
    ?.toUpperCase()
    .replace(/[-_ ]/g, "")
    .replace(/^X(?=SHA|MD|CRC)/, "");
  const known = ALGORITHMS.filter((one) => {
    const plain = one.name.replace("-", "");
    return name === undefined || plain === name || (name === "CRC" && plain === "CRC32");
  });
  if (known.length === 0) {
    throw new PortholeError("usage", `'${wanted}' is no known checksum`, {
      hint: ALGORITHMS.map((one) => one.name).join(", "),
    });
  }
  const offered = (await control.feature("HASH"))?.toUpperCase().split(";") ?? [];
  for (const algorithm of known) {
    const mark = offered.find((one) => one.replace(/\*$/, "").trim() === algorithm.name);
    if (mark !== undefined) {
      const current = chosen.get(control) ?? (mark.trim().endsWith("*") ? algorithm.name : undefined);
      if (current !== algorithm.name) {
        const reply = await control.ask(`OPTS HASH ${algorithm.name}`);
        if (reply.code >= 300) continue;
        chosen.set(control, algorithm.name);
      }
      return { algorithm, byHash: true };
    }
    if ((await control.feature(algorithm.command)) !== undefined) return { algorithm, byHash: false };
  }
  throw new PortholeError("refused", "the server computes no checksum that is known here", {
    hint: "without --verify, SIZE and the server's word are what there is",
  });
}

async function ask(control: Control, { algorithm, byHash }: Way, pathname: string): Promise<Digest> {
  const reply = await control.ask(`${byHash ? "HASH" : algorithm.command} ${pathname}`);
  if (reply.code >= 300) throw refusal(reply, "missing");
  // `213 SHA-256 0-49 6a7f... name`, `250 6A7F...`: the first word that is a digest.
  const pattern = new RegExp(`(?<![0-9a-z])[0-9a-f]{${algorithm.digits}}(?![0-9a-z])`, "i");
  const found = pattern.exec(reply.message.slice(4).replace(/\r?\n(?:250|213)[- ]/g, "\n"))?.[0];
  if (found === undefined) {
    throw new PortholeError("protocol", `the server's answer holds no ${algorithm.name}`, {
      reply: wordsOf(reply),
    });
  }
  return { algorithm: algorithm.name, hex: found.toLowerCase() };
}

/** What the server says. @throws PortholeError `refused` when it computes none */
export async function digestAt(control: Control, pathname: string, wanted?: string): Promise<Digest> {
  return ask(control, await wayOf(control, wanted), pathname);
}

/** @throws PortholeError `protocol` when another server's file makes something else */
export async function compareWith(
  control: Control,
  pathname: string,
  { algorithm, hex }: Digest,
): Promise<void> {
  const other = await digestAt(control, pathname, algorithm);
  if (other.hex === hex) return;
  throw new PortholeError(
    "protocol",
    `the ${algorithm} differs: ${hex} is what the one server has, ${other.hex} the other`,
    { hint: "copy it again" },
  );
}

export interface Verifying {
  readonly update: (octets: Uint8Array) => void;
  /** Once all have been seen. @throws PortholeError `protocol` when the server's differ */
  readonly compare: () => Promise<void>;
}

/** Before a transfer: no hash is chosen while data flow. @throws PortholeError `refused` */
export async function startVerifying(control: Control, pathname: string): Promise<Verifying> {
  const way = await wayOf(control);
  const { node, name } = way.algorithm;
  const hash = node === undefined ? undefined : createHash(node);
  let crc = 0;
  return {
    update: (octets) => {
      if (hash === undefined) crc = crc32(octets, crc);
      else hash.update(octets);
    },
    compare: async () => {
      const own = hash === undefined ? crc.toString(16).padStart(8, "0") : hash.digest("hex");
      const told = await ask(control, way, pathname);
      if (told.hex === own) return;
      throw new PortholeError(
        "protocol",
        `the ${name} differs: ${own} went over the wire, ${told.hex} is what the server has`,
        { hint: "transfer it again" },
      );
    },
  };
}
