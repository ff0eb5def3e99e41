/**
 * The contract between Porthole and a protocol, and only it.
 *
 * A protocol is a folder under protocols/ with a manifest (data alone) and a plugin (code, loaded when a
 * connection is wanted). What it offers is a Session; what it needs comes through a Context.
 */
import type { Duplex, Readable } from "node:stream";
import type { PortholeError } from "./errors.js";
import type { Connection } from "./net/connection.js";
import type { DatagramChannel } from "./net/datagram.js";
import type { DatagramListener, DatagramListenRequest } from "./net/datagram-listener.js";
import type { Endpoint } from "./net/endpoint.js";
import type { Listener, ListenRequest } from "./net/listener.js";
import type { Take } from "./net/pouring.js";
import type { ForwardProxy } from "./net/proxy/login.js";
import type { PortholeUrl } from "./url.js";

export type { PortholeError } from "./errors.js";
export type { Take } from "./net/pouring.js";

// --- The manifest: data, no runtime imports -----------------------------------------------------------------

/** How TLS comes about under a scheme. */
export type TlsMode =
  /** The scheme has none. */
  | "never"
  /** In place, after a command in clear (STARTTLS, STLS, AUTH TLS). */
  | "upgrade"
  /** From the first octet. */
  | "always";

export interface Scheme {
  readonly port?: number;
  readonly tls: TlsMode;
  /**
   * What the address is: a host and port (the default), a socket (the same, without a path: the place itself is read
   * and written, and no host means this machine), a socket's path, or a place on this machine.
   */
  readonly address?: "host" | "socket" | "socket-path" | "local-path";
  /** Several sessions may write there at once and not wait for each other. */
  readonly parallel?: boolean;
  /** What can be done under this scheme, where that is not what can be done under the others. */
  readonly verbs?: readonly Verb[];
  /** A URL may leave out its host: it is then at the server that users have set. */
  readonly usualServer?: UsualServer;
}

/** Where a server is set: a host, a host and port, or a URL. */
export interface UsualServer {
  /** An option of the protocol, by flag. */
  readonly option: string;
  /** A variable that other programs look at, too; where the option is not given. */
  readonly environment: string;
}

/** Verbs that a protocol does itself. What users type besides (`cp`, `mirror`, `browse`, a bare URL) is made of these. */
export const VERB_METHODS = {
  ls: "list",
  get: "read",
  put: "write",
  stat: "stat",
  rm: "remove",
  mv: "move",
  mkdir: "makeFolder",
  search: "search",
  send: "send",
  watch: "watch",
  check: "check",
  interact: "interact",
} as const satisfies Record<string, keyof Session>;

export type Verb = keyof typeof VERB_METHODS;

/** One declaration yields the flag, the environment name, the configuration key, the help line and the docs. */
export interface OptionSpec {
  /** Long flag without dashes: `filename-charset`; PORTHOLE_FILENAME_CHARSET; `filename-charset` in the configuration. */
  readonly flag: string;
  readonly alias?: string;
  /**
   * `list`: may be given several times; `count`: so does a bare flag (-vv); `optional`: with or without a value;
   * `step`: a list whose order among all options of this type counts. The value of each of them is then that whole
   * order, `flag=value` an item; `stepsOf` takes it apart.
   */
  readonly type: "string" | "number" | "boolean" | "list" | "count" | "optional" | "step";
  /** Stands for the value in help: `FILE`, `NAME`. */
  readonly placeholder?: string;
  readonly choices?: readonly string[];
  /** One line of help, lower case, no full stop. */
  readonly summary: string;
  /** The verbs (or commands) that take it; absent: all of this protocol. */
  readonly verbs?: readonly string[];
}

/** A command that only this protocol has: `porthole PROTOCOL NAME ...`. */
export interface CommandSpec {
  readonly name: string;
  /** What follows the name, as in help: `URL [COMMAND]...`. */
  readonly usage: string;
  readonly summary: string;
  readonly options?: readonly OptionSpec[];
  /** Options of every command that matter here, by flag, and what they mean here: for its help. */
  readonly shared?: Readonly<Record<string, string>>;
  /** Command lines, shown by its help. */
  readonly examples?: readonly string[];
}

export interface Manifest {
  /** The command word, the key in entries, the row of the table: `ftp`. */
  readonly name: string;
  /** As people write it: `FTP`. */
  readonly title: string;
  /** One line: what it is for. */
  readonly summary: string;
  readonly schemes: Readonly<Record<string, Scheme>>;
  /** Equal to the methods that `open()` returns; a contract test holds them so. Empty: in the table, not yet built. */
  readonly verbs: readonly Verb[];
  /** What `send` takes: messages when absent, or plain octets, which go to the place that the URL names. */
  readonly sends?: Outgoing["kind"];
  /** The command of its own that `send` is another word for: `post`. */
  readonly sendCommand?: string;
  /** Paths begin with a character for what they name (RFC 4266, 2.1): that of folders. */
  readonly folderType?: string;
  readonly options: readonly OptionSpec[];
  readonly commands: readonly CommandSpec[];
  /** For messages: what is written here, and the options of other programs for it that people know, without dashes. */
  readonly otherNames?: Readonly<Record<string, readonly string[]>>;
  /** Absent as long as there is nothing to load. */
  readonly load?: () => Promise<Plugin>;
}

// --- The plugin ---------------------------------------------------------------------------------------------

export interface Plugin {
  /** Connects, greets and logs in as far as `target` asks for it. */
  open(target: Target, context: Context): Promise<Session>;
  /** What runs behind each CommandSpec of the manifest, by name. */
  readonly commands: Readonly<Record<string, Command>>;
}

/** A URL whose scheme has been found in the registry. */
export interface Target {
  readonly url: PortholeUrl;
  readonly protocol: string;
  readonly tls: TlsMode;
  readonly host: string;
  /** The URL's port, or the scheme's. */
  readonly port: number;
  /** As in the URL, still percent-encoded, query included. */
  readonly path: string;
  /** This place with another path: the URL that opens it again, without password. */
  href(path: string): string;
}

export interface Invocation {
  /** What followed the command's name. */
  readonly words: readonly string[];
  readonly options: Options;
  /**
   * Opens a target of this protocol, short forms allowed; the session is closed when the command ends. One that is kept
   * open (the shell's) was opened for another path of that place, perhaps: what a protocol keeps beside its session is
   * found by `opened`, absent where that is `target`.
   */
  open(url: string): Promise<{ session: Session; target: Target; opened?: Target }>;
  /**
   * A target of this protocol and what a session of it would be opened with, without opening one: for commands that
   * connect by themselves, step by step or several times.
   */
  reach?(url: string): { target: Target; context: Context };
  readonly signal: AbortSignal;
  /** Standard input, as it comes; opened when it is asked for. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** A person types there. */
  readonly stdinIsTerminal: boolean;
  /** A person reads what the command gives back. */
  readonly stdoutIsTerminal?: boolean;
  /** A line for the user on standard error. */
  warn(text: string): void;
  /** Text for people beside the result: on standard error as it stands, unless they want quiet. */
  tell?(text: string): void;
}

export type Command = (invocation: Invocation) => AsyncIterable<Output>;

/** What a command gives back, in pieces, as they come. */
export type Output =
  | { readonly kind: "entry"; readonly entry: Entry }
  | { readonly kind: "document"; readonly document: Document }
  /** A piece of a stream, as it came; made harmless where a terminal shows it, unless `raw`. */
  | { readonly kind: "octets"; readonly octets: Uint8Array; readonly raw?: boolean }
  /** `text` for people, `data` for `--json`. */
  | { readonly kind: "record"; readonly text: string; readonly data: JsonObject };

// --- Sessions -----------------------------------------------------------------------------------------------

/**
 * An open conversation. A method that is absent is not supported. Paths are as in the URL (percent-encoded).
 * A session does one thing at a time; the platform refuses a call that overlaps another (see session.ts).
 */
export interface Session extends AsyncDisposable {
  /** What a path names, where the path alone tells (a Gopher item type, a final slash): saves asking the server. */
  kindOf?(path: string): EntryKind | undefined;
  list?(path: string, query?: ListQuery): AsyncIterable<Entry>;
  stat?(path: string): Promise<Entry>;
  read?(path: string, query?: ReadQuery): Promise<Document>;
  /**
   * Documents in the order of `paths`, asked for ahead where the protocol lets commands be sent ahead. `paths` is read
   * as far as the session is ready to ask. Each body ends or is destroyed before the next result is wanted; a document
   * that is not to be had is a result with its error, and what ends the connection is thrown.
   */
  readMany?(paths: AsyncIterable<string>): AsyncIterable<ManyRead>;
  /** What the thing at `path` asks before it can be had (a Gopher+ form); undefined when it asks nothing. */
  form?(path: string): Promise<readonly FormQuestion[] | undefined>;
  /** What is had for these answers, in the order of the questions. @throws PortholeError `usage` for a line break too many */
  fillIn?(path: string, answers: readonly string[]): Promise<Document>;
  /** What the place answers to `source` (a form that was filled in). It may change what is there: never repeated unasked. */
  submit?(path: string, source: Source): Promise<Document>;
  write?(path: string, source: Source): Promise<Entry>;
  /**
   * From this server straight to another session's, the octets not passing here; a method only when the user asked for
   * it, and then the only way. What is there is an error (exit 12) without `replace`.
   * @throws PortholeError `usage` when the other session is of another protocol
   */
  handOver?(path: string, to: Session, at: string, query?: { readonly replace?: boolean }): Promise<Entry>;
  remove?(path: string, query?: { readonly recursive?: boolean }): Promise<void>;
  /** Within this session's place; the target must not exist unless `replace`. */
  move?(from: string, to: string, query?: { readonly replace?: boolean }): Promise<Entry>;
  makeFolder?(path: string): Promise<Entry>;
  /**
   * A symbolic link at `path`.
   * @param to what it says: relative to its folder, or absolute; percent-encoded as paths are. It need not be there.
   */
  makeLink?(path: string, to: string, query?: { readonly replace?: boolean }): Promise<Entry>;
  /** A message has these flags from now on and no others (as IMAP names them); what the place cannot hold is left out. */
  mark?(path: string, flags: readonly string[]): Promise<Entry>;
  search?(path: string, words: string, query?: ListQuery): AsyncIterable<Entry>;
  /** The path under which what a search finds can be listed again, where a URL has room for its words. */
  resultsPath?(path: string, words: string): string | undefined;
  send?(outgoing: Outgoing): Promise<SendReport>;
  watch?(path: string, query?: WatchQuery): AsyncIterable<WatchEvent>;
  /** `watch` is told by the server as it happens, and hinders no other session at the same place (IMAP's IDLE). */
  readonly hears?: boolean;
  check?(): AsyncIterable<CheckStep>;
  /**
   * The containers, from the top, that all of the user's own mailboxes lie in (RFC 2342: `INBOX.`); none where they lie at
   * the top. Mailboxes that are carried to another server are named after what it has.
   */
  home?(): Promise<readonly string[]>;
  /** All mailboxes of the account by the levels of their names, and what each is for: other servers call those of one use otherwise. */
  mailboxes?(): Promise<readonly NamedMailbox[]>;
  /** What parts the levels of mailboxes' names here: a name with it in it becomes levels. */
  separator?(): Promise<string | undefined>;
  /** Whether the messages of this mailbox itself are what an account has in its INBOX. */
  isInbox?(path: string): Promise<boolean>;
  /**
   * Where a document leads, for those who follow; undefined when it leads nowhere. `octets` are all of its body; `start`
   * is the path that the following began at, where that is not what the session was opened for.
   */
  hypertext?(document: Document, octets: Uint8Array, start?: string): Promise<Hypertext | undefined>;
  /** What this place asks of robots. */
  robots?(): Promise<RobotRules>;
  /** What a person types goes in, what they see comes out. */
  interact?(screen?: Screen): Promise<Interaction>;
}

/** Where something leads to. */
export interface Hyperlink {
  /** Absolute, without fragment. */
  readonly url: string;
  /**
   * `requisite`: the document is not whole without it; `menu`: followed as a page is, and kept as one whatever its name
   * ends in; `other`: nothing that a reader follows.
   */
  readonly role: "page" | "menu" | "requisite" | "other";
}

export interface Hypertext {
  readonly links: readonly Hyperlink[];
  /**
   * The document with other addresses in it: those that `to` has, relative to the document, and absolute ones where it
   * has none.
   */
  rewritten(to: (url: string, role: Hyperlink["role"]) => string | undefined): Uint8Array;
}

export interface RobotRules {
  /** @param path as in the URL, query included */
  allows(path: string): boolean;
  /** Seconds between two requests that the place asks for. */
  readonly delay?: number;
  /** URLs of its sitemaps. */
  readonly sitemaps: readonly string[];
}

/** What a person sits at. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** As the TERM of that machine says: `xterm-256color`. */
  readonly type: string;
}

/** Keys that mean something to whoever edits lines, each a character, or empty for none. */
export interface LineKeys {
  /** Lines are edited on this side; otherwise only signals are told apart, and all else goes out as it is typed. */
  readonly edits: boolean;
  /** What is typed is shown on this side. */
  readonly echo: boolean;
  readonly erase: string;
  readonly eraseWord: string;
  readonly eraseLine: string;
  /** At the beginning of a line: the signal `eof`; within it: what is typed goes out without a line end. */
  readonly end: string;
  /** The names of signals, by their key. */
  readonly signals: ReadonlyMap<string, string>;
}

/** Emits `mode` when `keys` or `lineKeys` changes. */
export interface Interaction extends Duplex {
  /**
   * True: each key goes out as it is typed, and the far side shows it. False: lines are edited and shown here, and
   * go out whole, ended by LF.
   */
  readonly keys: boolean;
  /** What keys mean, where the far side has a say in it; absent where the terminal's own editing will do. */
  readonly lineKeys?: LineKeys | undefined;
  /** The far side draws on the screen: its control characters are meant. */
  readonly draws: boolean;
  /** The person's screen has another size now. */
  resize(columns: number, rows: number): void;
  /** What may be asked for besides typing, by name (`ayt`), with one line of help each. */
  readonly signals: Readonly<Record<string, string>>;
  /** Ways of typing that a person may choose from, by name; `signal` takes them too. */
  readonly modes?: Readonly<Record<string, string>>;
  /** @returns what there is to tell */
  signal(name: string): string;
}

export interface ListQuery {
  /** Stop after so many entries; the server is asked for no more where it can be told. */
  readonly limit?: number;
  readonly recursive?: boolean;
  /** The same place will be listed again: what lets a session ask for the changes alone may be kept in the state folder. */
  readonly again?: boolean;
  /**
   * What tells things apart is enough: URLs, kinds, and of sizes, dates and flags what comes with them. A message's header
   * need not be read.
   */
  readonly brief?: boolean;
  /**
   * What is not listed counts as not there: a listing of which something had to be left out ends, after all the rest, with an
   * error `partial` in place of a warning.
   */
  readonly whole?: boolean;
  /** Sizes, dates and marks are compared with those that `stat` tells: they are to come from as good a source. */
  readonly exact?: boolean;
}

export interface ReadQuery {
  /** First octet wanted, from 0. A session that cannot start there gives all, and says so in `Document.offset`. */
  readonly offset?: number;
  /** How many octets at most. */
  readonly length?: number;
  /** What a partial copy knew of the original (an ETag, a date): start over when it no longer holds. */
  readonly validator?: string;
  /** The `version`, or `validator`, of a whole copy that is there: nothing is wanted as long as it holds. */
  readonly known?: string;
  /** A copy of that date is there: no more than a newer original is wanted. A session that cannot tell gives it all. */
  readonly since?: Date;
}

/** What a mailbox is for. Views of other mailboxes (all, flagged) are none of these. */
export type MailboxUse = "archive" | "drafts" | "junk" | "sent" | "trash";

export interface NamedMailbox {
  readonly levels: readonly string[];
  /** RFC 6154. */
  readonly use?: MailboxUse;
}

/** What a thing is, as verbs tell apart. */
export type EntryKind =
  | "file"
  | "directory"
  | "link"
  | "menu"
  | "search"
  | "mailbox"
  | "message"
  | "group"
  | "article"
  | "page"
  | "session"
  /** Text between entries (a Gopher `i` line); nothing to open. */
  | "note"
  /** Words that were asked for (what a phone book says of somebody); nothing to open. */
  | "line"
  | "other";

/** The kinds that are listed rather than read. */
export const CONTAINERS: ReadonlySet<EntryKind> = new Set(["directory", "menu", "mailbox", "group"]);

export interface Entry {
  /** Opens again, in any verb; never holds a password. */
  readonly url: string;
  /** As a person knows it; hostile until shown through text/safe. */
  readonly name: string;
  readonly kind: EntryKind;
  /** Octets. */
  readonly size?: number;
  /** Octets as far as a listing tells them in words (`1.2M`), where it does not tell the size. */
  readonly about?: number;
  readonly modified?: Date;
  /** Media type, when known. */
  readonly type?: string;
  /** A container that is there for those within it alone: nothing else goes into it, unless `makeFolder` can make it. */
  readonly hollow?: true;
  /** The URL names this message in this session alone, and may name another one in the next. */
  readonly passing?: true;
  /** What only this protocol knows; the value of the key named after the protocol in `--json`. */
  readonly meta: JsonObject;
}

/** Something read: what it is, and its octets as they come. Destroy `body` to leave early. */
export interface Document {
  readonly entry: Entry;
  /** Media type without parameters: `text/html`. */
  readonly type: string;
  readonly charset?: string;
  /** Where `body` starts within the whole; 0 unless a ReadQuery asked for more and was heard. */
  readonly offset: number;
  /** Octets of the whole, when the server told. */
  readonly total?: number;
  /** To be kept with a partial copy and given back in ReadQuery.validator. */
  readonly validator?: string;
  /** To be kept with a whole copy and given back in ReadQuery.known; absent where `validator` says the same. */
  readonly version?: string;
  /** With `ReadQuery.since` or `known`: there is nothing newer, and `body` is empty. */
  readonly unchanged?: true;
  /** A file name that the server proposes; unsafe until cleaned. */
  readonly filename?: string;
  /**
   * What the server says that the whole makes (`SHA-256:6a7f...`), asked for when `body` is closed: there when the user
   * wants it compared. A body that was read from the first octet to the last has compared it itself.
   */
  readonly checksum?: () => Promise<string>;
  /** Closes at its end, as Node's streams do unless they are told otherwise: the session is free again then. */
  readonly body: Readable;
  /**
   * All of its octets, where they had come before it was given, in place of reading `body`: the session is free already.
   * Where this is, `body` is only made when it is asked for.
   */
  readonly held?: Buffer;
  /**
   * The same octets by the short way, in place of reading `body`: from the socket's one reused buffer to `take`, at its
   * pace. Ends with the body, which it closes. @throws what the body would have failed with, and what `take` throws
   */
  readonly pour?: (take: Take) => Promise<void>;
  /**
   * All of it in one piece, in place of reading `body`; undefined when it has more than `most` octets, and then `body` has
   * them still. Where this is, `body` is only made when it is asked for. @throws what the body would have failed with
   */
  readonly whole?: (most: number) => Promise<Buffer | undefined>;
}

/** One question of a form. Words are the server's, hostile until shown through text/safe. */
export interface FormQuestion {
  readonly question: string;
  /** What it proposes. */
  readonly proposed: string;
  /** Answers to choose from; any, when there are none. */
  readonly choices: readonly string[];
  /** Nothing of the answer is to be shown. */
  readonly hidden: boolean;
  /** The answer may have several lines, parted by LF. */
  readonly lines?: boolean;
  /** What the form says before it asks this. */
  readonly note?: string;
}

/** What became of one path of `readMany`. */
export type ManyRead =
  | { readonly path: string; readonly document: Document }
  | { readonly path: string; readonly error: PortholeError };

/** Something to be written. */
export interface Source {
  readonly body: AsyncIterable<Uint8Array>;
  /** The same octets, where they are in memory anyway: may be taken in place of `body`. */
  readonly held?: Uint8Array;
  readonly size?: number;
  readonly type?: string;
  readonly modified?: Date;
  /** A message's flags, as IMAP names them (`\\Seen`); kept where the target can. */
  readonly flags?: readonly string[];
  /** Where in the target the octets go; more than 0 continues a partial one. */
  readonly offset?: number;
  /** Replace what is there. Without it an existing target is an error (exit 12), untouched. */
  readonly replace?: boolean;
}

export interface Envelope {
  /** Empty for the null return path. */
  readonly from: string;
  readonly to: readonly string[];
}

/** Something to be sent: a composed message, or plain octets. */
export type Outgoing =
  | {
      readonly kind: "message";
      readonly envelope: Envelope;
      readonly raw: Readable;
      readonly messageId: string;
      /** Octets of `raw`, when they are known beforehand. */
      readonly size?: number;
      /** Whether `raw` has octets above 127, when that is known beforehand. */
      readonly eightBit?: boolean;
      /** Nothing follows it: the session may say goodbye in the same breath, and takes no other afterwards. */
      readonly last?: boolean;
    }
  | { readonly kind: "octets"; readonly source: Source };

export interface SendReport {
  readonly accepted: readonly string[];
  readonly refused: readonly { readonly recipient: string; readonly reply: string; readonly code: number }[];
  /** The server's last word. */
  readonly reply: string;
  readonly messageId?: string;
  /** Octets sent as the message. */
  readonly size: number;
}

export interface WatchQuery {
  /** Seconds between two looks, where the server does not tell by itself. */
  readonly interval?: number;
  /** Called once, by a session that hears, when it knows what there is: all that comes from then on is told. */
  readonly begun?: () => void;
}

export interface WatchEvent {
  readonly event: "new" | "changed" | "gone" | "data";
  readonly entry: Entry;
  readonly at: Date;
  /** What came, where the event is itself what is watched for: shown in place of the entry. */
  readonly text?: string;
}

export interface CheckStep {
  readonly step: "resolve" | "connect" | "tls" | "greeting" | "capabilities" | "login" | "roundtrip";
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
  readonly facts?: JsonObject;
  /** What works and is unsafe all the same. */
  readonly weaknesses?: readonly Weakness[];
}

export interface Weakness {
  /** What is wrong: one clause, no full stop. */
  readonly what: string;
  /** What the server's owner, or its user, can do. */
  readonly hint: string;
  readonly grade: "warning" | "critical";
}

// --- The context: a plugin's only door to the world ---------------------------------------------------------

export interface Context {
  /** A connection with the user's limits, proxies, TLS policy and transcript already on it. */
  dial(endpoint: Endpoint): Promise<Connection>;
  /** A UDP conversation with one peer. */
  dialDatagrams(endpoint: Endpoint): Promise<DatagramChannel>;
  /**
   * The hosts that take mail for a domain, best first; the domain itself where its name server knows none.
   * @throws PortholeError `resolve`; `refused` for a domain that says it takes none (RFC 7505)
   */
  mailHosts?(domain: string): Promise<readonly string[]>;
  /** Waits for others to connect, with the same limits, TLS settings and transcript on what comes. */
  listen(request: ListenRequest): Promise<Listener>;
  /** Waits for datagrams from anybody, and can answer them. */
  listenDatagrams(request: DatagramListenRequest): Promise<DatagramListener>;
  /** The HTTP proxy that would be dialed for a plain http endpoint that `forwardsThroughProxy`. */
  forwardProxy(endpoint: Endpoint): ForwardProxy | undefined;
  /** What to log in with, or undefined when the user gave nothing. Refuses to hand out a password that would go in clear. */
  credentials(request: CredentialRequest): Promise<Credentials | undefined>;
  readonly policy: Policy;
  /** Values of the options that the manifest declares, by flag. */
  readonly options: Options;
  readonly signal: AbortSignal;
  /** A folder of this user for what outlives a run; absent where there is none. It need not exist yet. */
  readonly stateFolder?: string;
  progress(report: Progress): void;
  /** A line for the user on standard error. */
  warn(text: string): void;
  /** All of standard input, the same each time, as one run has but one; absent where there is none. */
  readonly standardInput?: () => Promise<Uint8Array>;
  /** The person's yes or no to a question; absent where nobody can be asked. */
  confirm?(question: string): Promise<boolean>;
  /** A line in the transcript (`-v`). */
  note(text: string): void;
  /** From now on this text, in every coding it may be sent in, is masked in transcripts and recordings. */
  mask(secret: string): void;
}

export interface Policy {
  /**
   * TLS on a connection that began in clear: whenever it is offered, or it must be, or it must not. Undefined when
   * the user did not say: the protocol's own habit, and clear on loopback, where nothing leaves the machine.
   */
  readonly starttls: "auto" | "require" | "never" | undefined;
  /** A password may go in clear beyond loopback. */
  readonly allowPlaintextAuth: boolean;
  /** The one SASL or HTTP mechanism to use, upper case, when the user named it. */
  readonly authMechanism: string | undefined;
  /** How often a request that may be repeated is repeated. */
  readonly retries: number;
  /** How many sessions a job may open. */
  readonly jobs: number;
}

export interface CredentialRequest {
  /** The connection the secret would travel on: decides whether it may. */
  readonly connection: Connection;
  /** The mechanism never reveals the password (CRAM-MD5, SCRAM, digest): clear transport is fine. */
  readonly concealed?: boolean;
  /** What to log in with when the user gave nothing (anonymous FTP). */
  readonly fallback?: Credentials;
  /** The server insists on a login: a person at a terminal may be asked. */
  readonly required?: boolean;
  /** Nobody has asked yet: what may not travel there is no error, and counts as not given. */
  readonly unasked?: boolean;
  /**
   * An access token needs no user name here; with `secret` any secret is one. With `certificate` no secret is looked for, the
   * TLS certificate being one: a user name alone is an answer, with an empty password.
   */
  readonly nameless?: "token" | "secret" | "certificate";
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** `token`: the password is an OAuth2 access token. */
  readonly kind: "password" | "token";
}

export interface Progress {
  /** What is moving, in a few words: a file's name. */
  readonly what: string;
  /** Octets so far, and in all when known. */
  readonly done: number;
  readonly total?: number;
  readonly finished?: boolean;
}

/** One `--expect A` or `--send B`, in the order of the command line. */
export interface Step {
  readonly flag: string;
  readonly value: string;
}

/** The options of type `step`, in the order given. */
export function stepsOf(options: Options, flags: readonly string[]): Step[] {
  const order = flags.map((flag) => options[flag]).find((value) => Array.isArray(value));
  if (!Array.isArray(order)) return [];
  return order.map((item: string) => {
    const cut = item.indexOf("=");
    return { flag: item.slice(0, cut), value: item.slice(cut + 1) };
  });
}

export type OptionValue = string | number | boolean | readonly string[] | undefined;
export type Options = Readonly<Record<string, OptionValue>>;

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}
