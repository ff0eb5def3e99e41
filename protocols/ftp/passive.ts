/** Where the server listens for the data connection. */
import type { FTPResponse } from "basic-ftp";
import { PortholeError } from "../../src/errors.js";
import { wordsOf } from "./refusal.js";

/** The port in a 229 reply: `(|||6446|)`, with any delimiter (RFC 2428, 3). @throws PortholeError `protocol` */
export function extendedPort(reply: FTPResponse): number {
  const digits = /\(([!-~])\1\1(\d{1,5})\1\)/.exec(reply.message)?.[2];
  return checkedPort(Number(digits), reply);
}

/**
 * Host and port in a 227 reply: six decimal octets, in brackets or not (RFC 1123, 4.1.2.6).
 * @throws PortholeError `protocol`
 */
export function passiveAddress(reply: FTPResponse): { host: string; port: number } {
  const text = /(?<!\d)\d{1,3}(?:\s*,\s*\d{1,3}){5}(?!\d)/.exec(reply.message.slice(4))?.[0];
  const numbers = (text ?? "").split(",").map(Number);
  if (numbers.some((number) => number > 255)) throw unreadable(reply);
  const [a, b, c, d, high = 0, low = 0] = numbers;
  return { host: `${a}.${b}.${c}.${d}`, port: checkedPort(high * 256 + low, reply) };
}

function checkedPort(port: number, reply: FTPResponse): number {
  if (port >= 1 && port <= 65535) return port;
  throw unreadable(reply);
}

function unreadable(reply: FTPResponse): PortholeError {
  return new PortholeError("protocol", "the server named no port for the data connection", {
    reply: wordsOf(reply),
  });
}
