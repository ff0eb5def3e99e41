/**
 * The one error type that leaves Porthole, its codes, and the exit status of each.
 *
 * The table is the one users script against: see docs/cli.md, "Exit status".
 */

/** What went wrong, as scripts see it. The value is the process's exit status. */
export const EXIT_STATUS = {
  /** Anything the other codes do not name. */
  other: 1,
  /** The command line, a URL or an argument was wrong; nothing was sent. */
  usage: 2,
  /** The host name has no address. */
  resolve: 3,
  /** No connection: refused, unreachable, closed before it could serve. */
  connect: 4,
  /** TLS could not be agreed on, or the certificate was not accepted. */
  tls: 5,
  /** A deadline passed. */
  timeout: 6,
  /** The server refused the credentials, or there were none to give. */
  auth: 7,
  /** The server says that the thing asked for is not there. */
  missing: 8,
  /** The server refused for good. */
  refused: 9,
  /** The server refused for now; the same request may succeed later. */
  busy: 10,
  /** The server broke its protocol. */
  protocol: 11,
  /** The local side: file not there, no room, not allowed, exists already. */
  local: 12,
  /** Some of many were done. */
  partial: 13,
  /** Ended by the user or the caller's AbortSignal. */
  aborted: 130,
} as const;

export type ErrorCode = keyof typeof EXIT_STATUS;

export interface PortholeErrorFacts {
  /** Row of the protocol table (`ftp`, `smtp`, ...), when one was involved. */
  protocol?: string | undefined;
  /** The server's own words, as received, without line end; made safe only when shown. */
  reply?: string | undefined;
  /** What the user can do next: one clause, no full stop. */
  hint?: string | undefined;
  /** The URL at fault, without password. */
  url?: string | undefined;
  /** Seconds after which the server may be asked again, when it said so. */
  retryAfter?: number | undefined;
  cause?: unknown;
}

/** Every failure a caller of Porthole can meet. `code` says which kind, `exit` the process status for it. */
export class PortholeError extends Error {
  override readonly name = "PortholeError";
  readonly code: ErrorCode;
  protocol: string | undefined;
  readonly reply: string | undefined;
  hint: string | undefined;
  url: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, facts: PortholeErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.protocol = facts.protocol;
    this.reply = facts.reply;
    this.hint = facts.hint;
    this.url = facts.url;
    this.retryAfter = facts.retryAfter;
  }

  get exit(): number {
    return EXIT_STATUS[this.code];
  }

  /** What `--json` puts under `"error"`. */
  toJSON(): Record<string, string | number> {
    const facts = {
      code: this.code,
      exit: this.exit,
      protocol: this.protocol,
      message: this.message,
      reply: this.reply,
      hint: this.hint,
      url: this.url,
    };
    return Object.fromEntries(
      Object.entries(facts).filter((pair): pair is [string, string | number] => pair[1] !== undefined),
    );
  }
}

/** The Node error code (`ECONNREFUSED`, `ENOENT`, ...) of anything thrown, or undefined. */
export function systemCode(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

/** The message of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** True for what an AbortSignal without a reason of its own throws. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "AbortError";
}

/** The reason an AbortSignal fired, as the error to throw: a PortholeError reason is kept, all else is `aborted`. */
export function abortReason(signal: AbortSignal): PortholeError {
  const reason: unknown = signal.reason;
  if (reason instanceof PortholeError) return reason;
  if (reason instanceof Error && reason.name === "TimeoutError") {
    return new PortholeError("timeout", "the time allowed is over", { cause: reason });
  }
  return new PortholeError("aborted", "stopped before the end", { cause: reason });
}

const LOCAL_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EEXIST: "exists already",
  EISDIR: "is a folder",
  ENOTDIR: "a part of the path is not a folder",
  ENOSPC: "no room left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is larger than may be here",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the name is too long for this file system",
  EMFILE: "too many open files",
  EBUSY: "busy",
  ENOTEMPTY: "the folder is not empty",
  EXDEV: "the target is on another file system",
};

/** A failure of the local file system (exit 12), said in plain words; `path` is named when given. */
export function localError(thrown: unknown, path?: string): PortholeError {
  if (thrown instanceof PortholeError) return thrown;
  const words = LOCAL_FAILURES[systemCode(thrown) ?? ""] ?? messageOf(thrown);
  return new PortholeError("local", path === undefined ? words : `${path}: ${words}`, { cause: thrown });
}

/** Calls of sockets and name look-ups, which fail with some of the same codes as files do. */
const NETWORK_CALLS: ReadonlySet<unknown> = new Set(["connect", "bind", "listen", "getaddrinfo", "send"]);

/** True for errors that Node raises for its own file system calls. */
export function isLocalFailure(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    "syscall" in thrown &&
    !NETWORK_CALLS.has(thrown.syscall) &&
    Object.hasOwn(LOCAL_FAILURES, systemCode(thrown) ?? "")
  );
}
