/**
 * From server to server, nothing of the file passing here (FXP): RFC 959, 2.3 has it, and few servers still allow it.
 * One waits for a connection and the other is told where; for whichever way round both allow.
 */
import type { FTPResponse } from "basic-ftp";
import { PortholeError } from "../../src/errors.js";
import type { Control } from "./control.js";
import {
  introduce,
  type Meeting,
  meetingsOf,
  NOT_ALLOWED,
  NoMeeting,
  part,
  type Sides,
} from "./fxp-meeting.js";
import type { Listed } from "./listing.js";
import { type FtpPath, shownPath } from "./path.js";
import { Refusal, refusal, wordsOf } from "./refusal.js";
import { findAt, lookAt } from "./standing.js";
import { setMode, setTime } from "./traits.js";
import { compareWith, digestAt } from "./verify.js";

export interface FxpSide {
  readonly control: Control;
  readonly place: FtpPath;
  /** The session, or another when the server ended it. */
  readonly renewed: () => Promise<Control>;
}

/** Milliseconds that a server has to hear that the transfer is off, before its session is closed. */
const FAREWELL_MS = 2000;

/** Replies to STOR that end a file which was begun (RFC 959, 4.2.2). */
const CUT_SHORT: readonly number[] = [426, 451, 452, 552];

/** The data connection did not come about: which between strangers is mostly not allowed; 522 is its TLS (RFC 4217, 7). */
const NO_CONNECTION: readonly number[] = [425, 522];

/** In the place of a reply that the lost session owed: the file was begun, for all we know. */
const UNHEARD = 426;

export interface PassingOptions {
  /** Compare what both say that their file makes. */
  readonly verify: boolean;
  /** What SITE CHMOD is to give it. */
  readonly mode: unknown;
}

/**
 * What stands at the target is replaced.
 * @throws PortholeError `refused` where a server refuses an address that is not ours, or TLS with another
 */
export async function passOn(
  source: FxpSide,
  target: FxpSide,
  { verify, mode }: PassingOptions,
): Promise<Listed> {
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
  const sides = await pass(source, target, oldName, newName);
  const after = await findAt(sides.target, target.place);
  if (found.size !== undefined && after?.size !== undefined && found.size !== after.size) {
    throw new PortholeError("protocol", `${found.size} octets were sent, and ${after.size} are there`);
  }
  if (verify) await compareWith(sides.target, newName, await digestAt(sides.source, oldName));
  const { modified } = found;
  const timed = modified !== undefined && (await setTime(sides.target, newName, modified));
  if (typeof mode === "string") await setMode(sides.target, newName, mode);
  return {
    name: target.place.last,
    kind: "file",
    ...(after?.size === undefined ? {} : { size: after.size }),
    ...(timed ? { modified } : {}),
    meta: {},
  };
}

/** What served the last time with a target's session: the other ways need not be tried for each file. */
const PROVEN = new WeakMap<Control, { readonly source: Control; readonly meeting: Meeting }>();

/**
 * By the first way that comes about: a server may let another in as a client and not as a server, or the other way round.
 * @returns the sessions to go on with
 */
async function pass(source: FxpSide, target: FxpSide, oldName: string, newName: string): Promise<Sides> {
  const sides = { source: source.control, target: target.control };
  const meetings = await meetingsOf(sides);
  const known = PROVEN.get(sides.target);
  const renew = async () => {
    sides.source = await source.renewed();
    sides.target = await target.renewed();
  };
  let failure: unknown;
  for (const meeting of known?.source === sides.source ? [known.meeting] : meetings) {
    try {
      await introduce(meeting, sides);
      await exchange({ meeting, sides, renew }, `RETR ${oldName}`, newName);
      PROVEN.set(sides.target, { source: sides.source, meeting });
      return sides;
    } catch (thrown) {
      failure ??= thrown;
      if (!(thrown instanceof NoMeeting) || sides.source.over || sides.target.over) throw failure;
    } finally {
      await part(meeting, sides);
    }
  }
  throw failure;
}

interface Exchange {
  readonly meeting: Meeting;
  readonly sides: Sides;
  /** Puts new sessions in the place of those that a server ended. */
  readonly renew: () => Promise<void>;
}

/** Both wait for each other, so both are asked at once; and when one says no, the other is told. */
async function exchange(
  { meeting, sides, renew }: Exchange,
  retrieve: string,
  pathname: string,
): Promise<void> {
  const sending = sides.source.ask(retrieve);
  const storing = sides.target.ask(`STOR ${pathname}`);
  const asked = [
    { control: sides.source, ended: sending },
    { control: sides.target, ended: storing },
  ];
  const refused: FTPResponse[] = [];
  const busy = new Set(asked);
  const heard = asked.map(async (side) => {
    const reply = await side.ended;
    busy.delete(side);
    if (reply.code < 300) return;
    refused.push(reply);
    for (const other of busy) await callOff(other.control, other.ended);
  });
  const lost = (await Promise.allSettled(heard)).find((one) => one.status === "rejected");
  if (refused.length === 0 && lost === undefined) return;
  // ProFTPD was seen to end the session with a server whose certificate it does not trust.
  if (meeting.tls !== undefined) await renew().catch(() => {});
  const last = await storing.then(
    ({ code }) => code,
    () => UNHEARD,
  );
  const doubted = lost !== undefined && meeting.tls !== undefined;
  const nothingCame =
    !sides.target.over &&
    (doubted || NO_CONNECTION.includes(last)) &&
    (await isEmpty(sides.target, pathname));
  if (!sides.target.over && (nothingCame || isBegun(last))) await sides.target.ask(`DELE ${pathname}`);
  // The first to say no says why, unless it only felt what the other did: a connection that did not come about.
  const [first] = refused;
  const apart = refused.find(({ code }) => NO_CONNECTION.includes(code));
  if (apart !== undefined) throw strangers(meeting, wordsOf(apart));
  if (first !== undefined)
    throw first.code === 426 ? new Refusal(first, "busy", NOT_ALLOWED) : refusal(first, "missing");
  throw nothingCame ? strangers(meeting) : lost?.reason;
}

/** Part of the file is there, or all of it, after such a code to STOR; what the target had not begun to write stays. */
function isBegun(code: number): boolean {
  return code < 300 || CUT_SHORT.includes(code);
}

/** ProFTPD and vsftpd make the file before there is a connection. */
async function isEmpty(control: Control, pathname: string): Promise<boolean> {
  const { message } = await control.ask(`SIZE ${pathname}`);
  return /^213 0+$/.test(message.trim());
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

function strangers({ tls }: Meeting, reply?: string): NoMeeting {
  return new NoMeeting(
    "refused",
    tls === undefined
      ? "the servers do not take a connection from each other"
      : "TLS between the two servers did not come about",
    {
      reply,
      hint:
        tls === undefined
          ? NOT_ALLOWED
          : `one may not trust the other's certificate, or want TLS sessions of its own resumed; ${NOT_ALLOWED}`,
    },
  );
}
