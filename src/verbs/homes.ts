/** Mailboxes go from one server to another whose users have theirs elsewhere: all within INBOX (RFC 2342), or beside it. */

/** The names of the container that all of a user's own lie in; empty where there is none. */
export type Home = readonly string[];

/**
 * The names that a thing has at the target.
 * @param names from the top, in octets
 * @param isContainer or a message, whose mailbox has the names before its own
 */
export function rehomed(names: readonly string[], isContainer: boolean, from: Home, to: Home): string[] {
  const own = isContainer ? undefined : names.at(-1);
  const mailbox = own === undefined ? names : names.slice(0, -1);
  const plain = isWithin(mailbox, from) ? mailbox.slice(from.length) : mailbox;
  // INBOX is the one name that means the same everywhere (RFC 9051, 5.1).
  const isInbox = plain.length === 0 || (plain.length === 1 && /^inbox$/i.test(plain[0] ?? ""));
  const moved = isInbox || isWithin(plain, to) ? plain : [...to, ...plain];
  return own === undefined ? [...moved] : [...moved, own];
}

function isWithin(names: readonly string[], home: Home): boolean {
  return home.length > 0 && names.length > home.length && home.every((level, at) => names[at] === level);
}
