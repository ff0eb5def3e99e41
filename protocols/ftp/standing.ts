/** What stands at a path: MLST, or what SIZE, MDTM and CWD give away. */
import type { FTPResponse } from "basic-ftp";
import { PortholeError } from "../../src/errors.js";
import type { Control } from "./control.js";
import { timeVal } from "./listed-date.js";
import { type Listed, parseFacts } from "./listing.js";
import type { FtpPath } from "./path.js";
import { refusal } from "./refusal.js";

/** @throws PortholeError `missing` when nothing does */
export async function lookAt(control: Control, path: FtpPath): Promise<Listed> {
  // The root, or the folder of the login: it is there, and has no name.
  if (path.octets === "") return { name: "", kind: "directory", meta: {} };
  const pathname = await control.pathname(path);
  if ((await control.feature("MLST")) !== undefined) {
    const reply = await control.ask(`MLST ${pathname}`);
    if (reply.code === 550) throw refusal(reply, "missing");
    const listed = factsOf(reply, path);
    if (listed !== undefined) return listed;
  }
  return lookWithoutFacts(control, path, pathname);
}

/** What the answer to MLST tells; the bare name when it tells nothing. */
export function factsIn(reply: FTPResponse, path: FtpPath): Listed {
  return factsOf(reply, path) ?? { name: path.last, kind: "file", meta: {} };
}

function factsOf(reply: FTPResponse, path: FtpPath): Listed | undefined {
  // RFC 3659, 7.2: one line between the first and the last, after a space.
  const line = reply.message.split("\n").at(1);
  const listed = reply.code === 250 && line !== undefined ? parseFacts(line.replace(/^ /, "")) : "unreadable";
  if (typeof listed === "object") return { ...listed, name: path.last };
  // A folder asked for by its own name may be told as the folder that we are in.
  return listed === "self" ? { name: path.last, kind: "directory", meta: {} } : undefined;
}

/** What the answers to SIZE and MDTM tell of a file (RFC 3659, 3 and 4). */
export function fileOf(path: FtpPath, size: FTPResponse, time: FTPResponse): Listed {
  const octets = sizeIn(size);
  const modified = time.code === 213 ? timeVal(time.message.slice(4).trim()) : undefined;
  return {
    name: path.last,
    kind: "file",
    ...(octets === undefined ? {} : { size: octets }),
    ...(modified === undefined ? {} : { modified }),
    meta: {},
  };
}

function sizeIn(reply: FTPResponse): number | undefined {
  const digits = /^213 (\d{1,16})/.exec(reply.message)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The same; undefined when nothing is there. */
export async function findAt(control: Control, path: FtpPath): Promise<Listed | undefined> {
  try {
    return await lookAt(control, path);
  } catch (thrown) {
    if (thrown instanceof PortholeError && thrown.code === "missing") return undefined;
    throw thrown;
  }
}

/** A link, with the kind of what it leads to, and that one's size and date. All else stays as it is. */
export async function lookBehind(control: Control, path: FtpPath, found: Listed): Promise<Listed> {
  if (found.kind !== "link") return found;
  try {
    const { kind, size, modified } = await lookWithoutFacts(control, path, await control.pathname(path));
    return {
      ...found,
      ...(size === undefined ? {} : { size }),
      ...(modified === undefined ? {} : { modified }),
      meta: { ...found.meta, leadsTo: kind },
    };
  } catch (thrown) {
    if (!(thrown instanceof PortholeError) || thrown.code !== "missing") throw thrown;
    return { ...found, meta: { ...found.meta, leadsTo: "nothing" } };
  }
}

/** RFC 3659, 3 and 4: SIZE and MDTM know files. A folder is what can be entered. */
async function lookWithoutFacts(control: Control, path: FtpPath, pathname: string): Promise<Listed> {
  await control.useType("I");
  const size = await control.ask(`SIZE ${pathname}`);
  const isFile = sizeIn(size) !== undefined;
  if (!isFile) {
    const entered = await control.ask(`CWD ${pathname}`);
    if (entered.code < 300) return { name: path.last, kind: "directory", meta: {} };
  }
  const time = await control.ask(`MDTM ${pathname}`);
  if (!isFile && time.code !== 213) throw refusal({ ...size, code: 550 }, "missing");
  return fileOf(path, size, time);
}
