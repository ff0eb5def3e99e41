/** A place to run a protocol in: what the contract suite must know of it, and no more. */
import type { Sandbox } from "../../fixtures/servers/sandbox.js";
import type { Script } from "../../fixtures/servers/scripted.js";
import type { Credentials, Manifest, Outgoing, Session, VERB_METHODS, Verb } from "../../src/plugin.js";

/** A method of Session that stands for a verb. */
export type Method = (typeof VERB_METHODS)[Verb];

/** Methods that ask a server for one thing and wait for it; the others go on, or report failures as results. */
export type Asking = Exclude<Method, "watch" | "check" | "interact">;

export interface Place {
  /** The protocol's name in the table. */
  readonly protocol: string;
  /** The scheme under which the sandbox has it. */
  readonly scheme: string;
  /** Where it is, when the sandbox has no server for it. */
  readonly url?: () => string;
  /** Which of the sandbox's places a session is opened at, where that means something. */
  readonly opensAt?: string;
  /** Who logs in, where a server does nothing for others. */
  readonly login?: Credentials;
  /** For `read` and `stat`: a document, and its octets. */
  readonly readable?: { readonly path: string; readonly content: Buffer };
  /** Its session can be asked for many documents at once. */
  readonly readsMany?: boolean;
  /** A document of some MiB, for leaving early and for not reading at all. */
  readonly big?: { readonly path: string; readonly size: number };
  /** For `list`: a container that holds several entries. */
  readonly listable?: string;
  /** It keeps messages rather than files: what is written gets its name from the place. */
  readonly keepsMessages?: boolean;
  /** The exit status for what is not there: 8 unless it is a file of this machine. */
  readonly missingExit?: number;
  /** Where nothing is, in a form that `list` takes. */
  readonly missing?: string;
  /** The same for `read` and `stat`, when it is not the same. */
  readonly missingDocument?: string;
  /** For `write` and all that changes things: an empty folder, with its final slash. */
  readonly folder?: string;
  /** What is written there, where not any text will do. */
  readonly writable?: string;
  /** For `search`. */
  readonly search?: { readonly path: string; readonly words: string };
  /** For `send`: something the sandbox accepts, made anew for each call. */
  readonly outgoing?: (change?: {
    readonly from?: string;
    readonly to?: string;
    readonly messageId?: string;
    /** Of octets. */
    readonly type?: string;
  }) => Outgoing;
  /** What of octets that are sent stands on the wire; the octets and their type when absent. */
  readonly onTheWire?: (octets: Buffer, type: string) => readonly (string | Buffer)[];
  /** What is written goes to whoever is there: nothing can be read back. */
  readonly keepsNothing?: boolean;
  /** Two that `outgoing` can be sent to, when they are no mail addresses. */
  readonly recipients?: readonly [string, string];
  /** A server's part up to, and with, the client's first request for any of the methods; absent where there is none. */
  readonly overture?: Script;
  /** The first line that a server says by itself, if it does; what breaks there breaks `open`. */
  readonly greets: boolean;
  /** Calls for which anything that comes is an answer, so that it cannot be a wrong one. */
  readonly formless?: Partial<Readonly<Record<Spoiled, readonly Asking[]>>>;
}

/** Ways in which an answer can be none. */
export type Spoiled = "silent" | "closed" | "garbage" | "endless line";

/** What each part of the suite is given. */
export interface Room {
  readonly manifest: Manifest;
  readonly place: Place;
  /** Those that the manifest declares. */
  readonly methods: readonly Method[];
  readonly asking: readonly Asking[];
  /** Up as long as tests run. */
  sandbox(): Sandbox;
}

/** What the table of places must have for a method. @throws Error that names what is absent */
export function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`test/contract/places.ts or the session has no ${what}`);
  return value;
}

/** The URL that a session with the place is opened by. */
export function urlOf(room: Room): string {
  const { place } = room;
  return place.url?.() ?? `${room.sandbox().url(place.scheme)}${place.opensAt ?? ""}`;
}

/** Calls that a session has by contract, as functions that are there. @throws Error for one that is not */
export function offered<Name extends keyof Session>(
  session: Session,
  name: Name,
): NonNullable<Session[Name]> {
  const method = session[name];
  if (method === undefined || method === null) throw new Error(`the session has no ${String(name)}()`);
  return method;
}
