/** How the mailboxes of one account become those of another: both are asked where theirs are, and what each is for. */
import type { Door, Pair } from "./doors.js";
import { type Home, type Moving, renamingsOf } from "./homes.js";

/**
 * Where both accounts have their mailboxes; of interest when they are mirrored from the top, or to it.
 * @param keepNames mailboxes of one use keep the names that they have
 */
export async function movingBetween(pair: Pair, keepNames: boolean): Promise<Moving> {
  const homeOf = async (door: Door): Promise<Home> => {
    if (!isTop(door)) return [];
    const levels = await door.use(async (session) => session.home?.());
    return octetsOf(levels ?? []);
  };
  const { from: source, to: target } = pair;
  const [from, to] = await Promise.all([homeOf(source), homeOf(target)]);
  const topIsInbox = await isInboxToAccount(pair);
  const separator = await target.use(async (session) => session.separator?.());
  const parting =
    separator === undefined
      ? {}
      : { separator: Buffer.from(separator).toString("latin1"), isAccount: isTop(target) };
  const plain: Moving = { from, to, renamings: [], topIsInbox, ...parting };
  if (!isTop(source) || !isTop(target) || keepNames) return plain;
  const mailboxesAt = async (door: Door) => {
    const all = await door.use(async (session) => session.mailboxes?.());
    return all?.map((one) => ({ ...one, levels: octetsOf(one.levels) }));
  };
  // A folder of this machine calls none of its mailboxes by its use.
  if ((await target.session()).mailboxes === undefined) return plain;
  const [here, there] = await Promise.all([mailboxesAt(source), mailboxesAt(target)]);
  return { ...plain, renamings: renamingsOf(here ?? [], there ?? [], plain) };
}

/** An account keeps no messages at its top: those of a maildrop, or of a Maildir that is an account, go to its INBOX. */
async function isInboxToAccount(pair: Pair): Promise<boolean> {
  const { from, to } = pair;
  if (!isTop(to) || (await to.session()).mailboxes === undefined) return false;
  const { path } = from.target;
  return (await from.use(async (session) => session.isInbox?.(path === "" ? "/" : path))) === true;
}

function isTop({ target: { path } }: Door): boolean {
  return path === "" || path === "/";
}

function octetsOf(levels: readonly string[]): string[] {
  return levels.map((level) => Buffer.from(level).toString("latin1"));
}
