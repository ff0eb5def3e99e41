/**
 * Mailboxes go from one server to another whose users have theirs elsewhere, all within INBOX (RFC 2342) or beside it, and
 * have other names for those of one use (RFC 6154): `Sent`, `Sent Items`.
 */
import type { MailboxUse, NamedMailbox } from "../plugin.js";

/** The names of the container that all of a user's own lie in; empty where there is none. Names are octets. */
export type Home = readonly string[];

/** Names of one mailbox at the source, and of the one for the same at the target. */
export interface Renaming {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

/** How the names of one account are made those of another. */
export interface Moving {
  readonly from: Home;
  readonly to: Home;
  readonly renamings: readonly Renaming[];
  /** What parts levels at the target, in octets: a name that has it in it becomes levels there. */
  readonly separator?: string;
  /** The target is all of an account, which has one INBOX. */
  readonly isAccount?: boolean;
  /** The target's top is an account, which keeps no messages itself: those at the source's top go to its INBOX. */
  readonly topIsInbox?: boolean;
}

export const STAYING: Moving = { from: [], to: [], renamings: [] };

/**
 * The names that a thing has at the target.
 * @param names from the top, in octets
 * @param isContainer or a message, whose mailbox has the names before its own
 */
export function rehomed(names: readonly string[], isContainer: boolean, moving: Moving): string[] {
  const own = isContainer ? undefined : names.at(-1);
  const mailbox = leveled(own === undefined ? names : names.slice(0, -1), moving);
  if (own !== undefined && mailbox.length === 0 && moving.topIsInbox === true) return ["INBOX", own];
  const moved = renamed(mailbox, moving.renamings) ?? movedHome(mailbox, moving);
  return own === undefined ? [...moved] : [...moved, own];
}

/**
 * As the target has the levels of a name. One without a name is none: then the name stays, and the server says what it
 * thinks of it.
 */
function leveled(names: readonly string[], { separator, isAccount }: Moving): readonly string[] {
  if (separator === undefined) return names;
  const levels = names.flatMap((name) => {
    const parts = separator === "" ? [name] : name.split(separator);
    return parts.includes("") ? [name] : parts;
  });
  // However it is written there, it is one (RFC 9051, 5.1).
  return levels.map((level, at) =>
    isAccount === true && at === 0 && /^inbox$/i.test(level) ? "INBOX" : level,
  );
}

/** With what lies within it. */
function renamed(mailbox: readonly string[], renamings: readonly Renaming[]): string[] | undefined {
  const found = renamings.find(({ from }) => isAtOrWithin(mailbox, from));
  return found === undefined ? undefined : [...found.to, ...mailbox.slice(found.from.length)];
}

function movedHome(mailbox: readonly string[], { from, to }: Moving): readonly string[] {
  const plain = isWithin(mailbox, from) ? mailbox.slice(from.length) : mailbox;
  // INBOX is the one name that means the same everywhere (RFC 9051, 5.1).
  const isInbox = plain.length === 0 || (plain.length === 1 && /^inbox$/i.test(plain[0] ?? ""));
  return isInbox || isWithin(plain, to) ? plain : [...to, ...plain];
}

/**
 * Mailboxes of one use that are called otherwise at the target. Where either side has several for it, or where the source has
 * another one whose place that would be, the name stays: two would become one.
 */
export function renamingsOf(
  source: readonly NamedMailbox[],
  target: readonly NamedMailbox[],
  moving: Omit<Moving, "renamings">,
): Renaming[] {
  const [here, there] = [byUse(source), byUse(target)];
  const plain: Moving = { ...moving, renamings: [] };
  const found = [...here].flatMap(([use, from]) => {
    const to = there.get(use);
    return to === undefined || movedHome(from, plain).join("/") === to.join("/") ? [] : [{ from, to }];
  });
  const staying = source.map(({ levels }) => levels).filter((levels) => renamed(levels, found) === undefined);
  const taken = new Set(staying.map((levels) => movedHome(levels, plain).join("/")));
  return found.filter(({ to }) => !taken.has(to.join("/")));
}

function byUse(mailboxes: readonly NamedMailbox[]): Map<MailboxUse, readonly string[]> {
  const found = new Map<MailboxUse, readonly string[]>();
  const several = new Set<MailboxUse>();
  for (const { levels, use } of mailboxes) {
    if (use === undefined) continue;
    if (found.has(use)) several.add(use);
    found.set(use, levels);
  }
  for (const use of several) found.delete(use);
  return found;
}

function isWithin(names: readonly string[], home: Home): boolean {
  return home.length > 0 && names.length > home.length && isAtOrWithin(names, home);
}

function isAtOrWithin(names: readonly string[], top: readonly string[]): boolean {
  return names.length >= top.length && top.every((level, at) => names[at] === level);
}
