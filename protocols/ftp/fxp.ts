/**
 * From server to server, nothing of the file passing here (FXP): RFC 959, 2.3 has it, and few servers still allow it.
 * One waits for a connection and the other is told where; for whichever way round both allow.
 */
import type { FTPResponse } from "basic-ftp";
import { PortholeError } from "../../src/errors.js";
import type { Control } from "./control.js";
import type { Listed } from "./listing.js";
import { extendedPort, passiveAddress } from "./passive.js";
import { type FtpPath, shownPath } from "./path.js";
import { refusal, wordsOf } from "./refusal.js";
import { findAt, lookAt } from "./standing.js";
import { setMode, setTime } from "./traits.js";
import { compareWith, digestAt } from "./verify.js";

export interface FxpSide {
  readonly control: Control;
  readonly place: FtpPath;
}

/** Milliseconds that a server has to hear that the transfer is off, before its session is closed. */
const FAREWELL_MS = 2000;

const NOT_ALLOWED = "without --fxp it goes through this machine";

/** Replies to STOR that end a file which was begun (RFC 959, 4.2.2). */
const CUT_SHORT: readonly number[] = [426, 451, 452, 552];

/** An address, as a server told it, for the other to connect to. */
interface Meeting {
  readonly host: string;
  readonly port: number;
}

export interface PassingOptions {
  /** Compare what both say that their file makes. */
  readonly verify: boolean;
  /** What SITE CHMOD is to give it. */
  readonly mode: unknown;
}

/**
 * What stands at the target is replaced.
 * @throws PortholeError `usage` under TLS, `refused` where a server refuses an address that is not ours
 */
export async function passOn(
  source: FxpSide,
  target: FxpSide,
  { verify, mode }: PassingOptions,
): Promise<Listed> {
  for (const { control } of [source, target]) {
    if (!control.protectedData) continue;
    throw new PortholeError("usage", "no TLS is set up between two servers here (SSCN, CPSV)", {
      hint: `--prot C sends the file in clear; ${NOT_ALLOWED}`,
    });
  }
  const found = await lookAt(source.control, source.place);
  if (found.kind === "directory") {
    throw new PortholeError("refused", `${shownPath(source.place)} is a folder`, {
      hint: "-r copies folders",
    });
  }
  await source.control.useType("I");
  await target.control.useType("I");
  const oldName = await source.control.pathname(source.place);
  const newName = await target.control.pathname(target.place);
  await introduce(source.control, target.control);
  await exchange(source.control, `RETR ${oldName}`, target.control, newName);
  const after = await findAt(target.control, target.place);
  if (found.size !== undefined && after?.size !== undefined && found.size !== after.size) {
    throw new PortholeError("protocol", `${found.size} octets were sent, and ${after.size} are there`);
  }
  if (verify) await compareWith(target.control, newName, await digestAt(source.control, oldName));
  const { modified } = found;
  const timed = modified !== undefined && (await setTime(target.control, newName, modified));
  if (typeof mode === "string") await setMode(target.control, newName, mode);
  return {
    name: target.place.last,
    kind: "file",
    ...(after?.size === undefined ? {} : { size: after.size }),
    ...(timed ? { modified } : {}),
    meta: {},
  };
}

/** Has them know of each other: the target connects to the source, or the source to the target. */
async function introduce(source: Control, target: Control): Promise<void> {
  const aimed = await meet(source, target);
  if (aimed.code < 300) return;
  const turned = await meet(target, source);
  if (turned.code < 300) return;
  throw new PortholeError("refused", "neither server connects to the other", {
    reply: wordsOf(turned),
    hint: NOT_ALLOWED,
  });
}

/** @returns what `caller` answers to where `waiting` listens */
async function meet(waiting: Control, caller: Control): Promise<FTPResponse> {
  const { host, port } = await passivePlace(waiting);
  return aim(caller, host, port);
}

/** Both wait for each other, so both are asked at once; and when one says no, the other is told. */
async function exchange(source: Control, retrieve: string, target: Control, pathname: string): Promise<void> {
  const sending = source.ask(retrieve);
  const storing = target.ask(`STOR ${pathname}`);
  const sides = [
    { control: source, ended: sending },
    { control: target, ended: storing },
  ];
  const refused: FTPResponse[] = [];
  const busy = new Set(sides);
  const heard = sides.map(async (side) => {
    const reply = await side.ended;
    busy.delete(side);
    if (reply.code < 300) return;
    refused.push(reply);
    for (const other of busy) await callOff(other.control, other.ended);
  });
  const lost = (await Promise.allSettled(heard)).find((one) => one.status === "rejected");
  // The first to say no says why, unless it only felt what the other did: 425, a connection that did not come about.
  const [first] = refused;
  if (first !== undefined && !target.over) await removeRest(target, await storing, pathname);
  if (first !== undefined) throw refusedExchange(refused.find(({ code }) => code === 425) ?? first);
  if (lost !== undefined) throw lost.reason;
}

/** What the target made of it before it was called off: nothing, or part of the file. */
async function removeRest(target: Control, { code }: FTPResponse, pathname: string): Promise<void> {
  if (code < 300 || CUT_SHORT.includes(code)) await target.ask(`DELE ${pathname}`);
}

/** Tells a server that waits for the other in vain, or closes its session: many hear nothing while they wait. */
async function callOff(control: Control, ended: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), FAREWELL_MS);
  });
  const heard = Promise.allSettled([ended, control.ask("ABOR")]);
  if ((await Promise.race([heard, late])) === "late") control.drop();
  clearTimeout(timer);
}

/** 425: the connection did not come about, which between strangers is mostly not allowed. */
function refusedExchange(reply: FTPResponse): PortholeError {
  if (reply.code !== 425) return refusal(reply, "missing");
  return new PortholeError("refused", "the servers do not take a connection from each other", {
    reply: wordsOf(reply),
    hint: NOT_ALLOWED,
  });
}

/** Where a server listens, as the other would reach it. */
async function passivePlace(control: Control): Promise<Meeting> {
  const { address } = control.connection.facts;
  if (address?.includes(":") !== true) {
    const reply = await control.ask("PASV");
    // Both addresses are the server's own: the one that it names is for those beyond its router.
    if (reply.code === 227) return passiveAddress(reply);
  }
  const reply = await control.ask("EPSV");
  if (reply.code !== 229 || address === undefined) throw refusal(reply);
  return { host: address, port: extendedPort(reply) };
}

async function aim(control: Control, host: string, port: number): Promise<FTPResponse> {
  const isV6 = host.includes(":");
  if (!isV6) {
    const reply = await control.ask(`PORT ${host.replaceAll(".", ",")},${port >> 8},${port & 255}`);
    if (reply.code < 500) return reply;
  }
  return control.ask(`EPRT |${isV6 ? 2 : 1}|${host}|${port}|`);
}
