/** Who may connect: addresses, blocks of them and names, allowed or denied. */
import { readFile } from "node:fs/promises";
import { BlockList, isIP } from "node:net";
import { localError, PortholeError } from "../errors.js";
import { resolveHost } from "./resolve.js";
import type { NetworkSettings } from "./settings.js";

/**
 * Each item is ADDRESS, ADDRESS/BITS or NAME, several of them parted by commas or blanks, or `@FILE` with such items and
 * remarks behind `#`. Whom `deny` has is refused, and where anybody is allowed everybody else is.
 */
export interface AccessRules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Whether an address, as the system tells it, is let in. */
export type Admits = (address: string) => boolean;

/**
 * Names are looked up once, here, in both families.
 * @throws PortholeError `usage` for what is no such item, `resolve` for a name without address, `local` for a file
 */
export async function accessBy(
  rules: AccessRules,
  settings: NetworkSettings,
  signal: AbortSignal,
): Promise<Admits> {
  const allow = await listOf(rules.allow, settings, signal);
  const deny = await listOf(rules.deny, settings, signal);
  const allowing = rules.allow.length > 0;
  return (address) => !has(deny, address) && (!allowing || has(allow, address));
}

async function listOf(
  items: readonly string[],
  settings: NetworkSettings,
  signal: AbortSignal,
): Promise<BlockList> {
  const list = new BlockList();
  for (const item of items.flatMap(parted)) {
    if (!item.startsWith("@")) await add(list, item, settings, signal);
    else for (const line of await itemsIn(item.slice(1))) await add(list, line, settings, signal);
  }
  return list;
}

/** A file's name may have commas and blanks in it. */
function parted(text: string): string[] {
  return text.startsWith("@") ? [text] : text.split(/[\s,]+/).filter((item) => item !== "");
}

async function itemsIn(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch((thrown: unknown) => {
    throw localError(thrown, file);
  });
  return text.split("\n").flatMap((line) => parted(line.replace(/#.*/, "")));
}

async function add(
  list: BlockList,
  item: string,
  settings: NetworkSettings,
  signal: AbortSignal,
): Promise<void> {
  const [, written = "", bits] = /^([^/]*)(?:\/(.*))?$/s.exec(item) ?? [];
  const host = written.replace(/^\[(.*)\]$/, "$1");
  const { address, family, mapped } = plain(host);
  if (family === 0) {
    // A name's letters; anything else is a slip of the pen that must not open or close a door.
    if (bits !== undefined || !/^[\p{L}\d_](?:[\p{L}\d_.-]*)$/u.test(host) || /^[\d.]+$/.test(host))
      throw noItem(item);
    const { family: _, ...both } = settings;
    for (const found of await resolveHost(host, 0, both, signal)) {
      list.addAddress(found.address, found.family === 6 ? "ipv6" : "ipv4");
    }
    return;
  }
  const type = family === 6 ? "ipv6" : "ipv4";
  if (bits === undefined) list.addAddress(address, type);
  else {
    // A block of addresses in their IPv6 form: its first 96 bits say that it is one.
    const length = Number(bits) - (mapped ? 96 : 0);
    if (!/^\d{1,3}$/.test(bits) || length < 0 || length > (family === 6 ? 128 : 32)) throw noItem(item);
    list.addSubnet(address, length, type);
  }
}

function has(list: BlockList, given: string): boolean {
  const { address, family } = plain(given);
  return family !== 0 && list.check(address, family === 6 ? "ipv6" : "ipv4");
}

/** Without its zone, and an IPv4 address in its IPv6 form (RFC 4291, 2.5.5.2) as what it is. */
function plain(given: string): { address: string; family: number; mapped: boolean } {
  const address = given.replace(/%.*$/, "");
  const family = isIP(address);
  if (family !== 6) return { address, family, mapped: false };
  const hostname = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return { address, family, mapped: false };
  const octets = [high, low].flatMap((word) => {
    const value = Number.parseInt(word, 16);
    return [value >> 8, value & 255];
  });
  return { address: octets.join("."), family: 4, mapped: true };
}

function noItem(item: string): PortholeError {
  return new PortholeError("usage", `'${item}' is neither an address, a block of them nor a name`, {
    hint: "write 192.0.2.7, 192.0.2.0/24, 2001:db8::/32, host.example, or @FILE with such lines",
  });
}
