/** A document to where the user wants it: standard output, a file, a folder. */

import type { SessionKeeper } from "../client.js";
import { PortholeError } from "../errors.js";
import {
  CONTAINERS,
  type Document,
  type Options,
  type ReadQuery,
  type Session,
  type Target,
} from "../plugin.js";
import type { Reader, Saved } from "../verbs/save.js";
import type { Desk } from "./command.js";
import { pourDocument } from "./pour.js";
import { sizeBound } from "./size-bound.js";
import { stateFolder } from "./state-folder.js";
import { Unfinished } from "./targets.js";
import { visit } from "./visit.js";

export type Destination =
  | { readonly kind: "output" }
  | { readonly kind: "file"; readonly path: string }
  /** A file named as at the server, in this folder. */
  | { readonly kind: "folder"; readonly path: string };

/** @throws PortholeError `usage` when the options contradict each other, or cannot be read */
export function destinationOf(options: Options, urls: number): Destination {
  // What cannot be read is found before anything is sent.
  sizeBound(options);
  segmentsOf(options);
  const output = options["output"];
  const directory = options["directory"];
  if (typeof output === "string" && output !== "-") {
    if (options["remote-name"] === true || directory !== undefined) {
      throw new PortholeError("usage", "-o names the file; -O and -d take the remote name", {
        hint: "give one of them",
      });
    }
    if (urls > 1) {
      throw new PortholeError("usage", `${urls} documents do not fit into one file`, {
        hint: "-d DIR saves each under its own name",
      });
    }
    return { kind: "file", path: output };
  }
  if (options["checksum"] !== undefined && urls > 1) {
    throw new PortholeError("usage", "--checksum is that of one document", { hint: "fetch it by itself" });
  }
  if (typeof directory === "string") return { kind: "folder", path: directory };
  if (options["remote-name"] === true) return { kind: "folder", path: "." };
  for (const flag of ["checksum", "if-changed", "segments"]) {
    if (options[flag] === undefined) continue;
    throw new PortholeError("usage", `--${flag} is for a file`, {
      hint: "-o FILE, -O or -d DIR saves to one",
    });
  }
  return { kind: "output" };
}

/** What the downloads of one run share. */
export interface Batch {
  /** Which URL is saved to which file. */
  readonly claims: Map<string, Target>;
  /** Sessions that have fetched one and may fetch another: they need not wait for the disk. */
  readonly sessions?: SessionKeeper;
}

/**
 * Fetches one document.
 * @returns a line for standard output about what was saved, with --json
 * @throws PortholeError
 */
export async function fetchTo(
  desk: Desk,
  target: Target,
  destination: Destination,
): Promise<string | undefined> {
  const told = await fetchOne(desk, target, destination, { claims: new Map() });
  return told instanceof Unfinished ? told.told : told;
}

/** Fetches one of several. @returns as fetchTo; what is left to do when a session is free for the next one */
export async function fetchOne(
  desk: Desk,
  target: Target,
  destination: Destination,
  batch: Batch,
): Promise<string | undefined | Unfinished> {
  const act = async (session: Session, attempt: number) => {
    if (session.read === undefined) throw new PortholeError("usage", "there is nothing to read here");
    refuseContainer(session, target);
    const plain = session.read.bind(session);
    const read = isViewed(desk.options)
      ? async (path: string) =>
          (await import("./page-view.js")).viewed(await plain(path), desk.options, columnsOf(desk))
      : plain;
    if (destination.kind === "output") {
      await show(desk, await read(target.path));
      return undefined;
    }
    // What a first attempt got need not be fetched again.
    const resume = desk.options["resume"] === true || attempt > 1;
    return save(desk, target, {
      destination,
      claims: batch.claims,
      resume,
      read: (query) => read(target.path, query),
      another: () => readerAt(desk, target),
      hurried: batch.sessions !== undefined,
    });
  };
  return visit(desk, target, act, batch.sessions);
}

/** `--as`, `--reader`: what is delivered is made of the document. */
export function isViewed(options: Options): boolean {
  return options["as"] !== undefined || options["reader"] === true;
}

/** A pipe or a file has no width of its own. */
function columnsOf({ terminal }: Desk): number {
  return terminal.outputIsTerminal ? terminal.columns : 80;
}

/** One more session for a part of the document. */
async function readerAt({ client, signal }: Desk, target: Target): Promise<Reader> {
  const session = await client.open(target, signal);
  return {
    read: async (query) => {
      if (session.read === undefined) throw new PortholeError("usage", "there is nothing to read here");
      return session.read(target.path, query);
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

export function refuseContainer(session: Session, target: Target): void {
  const kind = session.kindOf?.(target.path);
  if (kind === undefined || !CONTAINERS.has(kind) || kind === "menu") return;
  throw new PortholeError("usage", `${target.href(target.path)} is a ${kind}`, {
    protocol: target.protocol,
    hint: "list it with ls",
  });
}

export async function show(desk: Desk, document: Document): Promise<void> {
  const maxSize = sizeBound(desk.options);
  const options = { signal: desk.signal, ...(maxSize === undefined ? {} : { maxSize }) };
  // A pipe wants octets: what renders for a person is not even loaded.
  if (desk.terminal.outputIsTerminal) {
    const { showDocument } = await import("./documents.js");
    await showDocument(document, desk.terminal, options);
  } else await pourDocument(document, desk.terminal, options);
}

interface Saving {
  readonly destination: Exclude<Destination, { kind: "output" }>;
  readonly claims: Batch["claims"];
  readonly resume: boolean;
  readonly read: (query: ReadQuery) => Promise<Document>;
  readonly another?: () => Promise<Reader>;
  /** The folder that it is saved in is there. */
  readonly isThere?: boolean;
  /** Somebody waits for the session: the disk can be waited for without it. */
  readonly hurried?: boolean;
}

async function save(desk: Desk, target: Target, saving: Saving): Promise<string | undefined | Unfinished> {
  return saveFrom(desk, target.href(target.path), {
    ...saving,
    // A file is claimed when its folder is there.
    isThere: saving.claims.size > 0,
    claim: (path) => claim(saving.claims, path, target),
  });
}

/**
 * Saves a document that has come already.
 * @returns a line for standard output about what was saved, with --json
 * @throws PortholeError
 */
export async function saveOne(
  desk: Desk,
  document: Document,
  destination: Saving["destination"],
): Promise<string | undefined> {
  const told = await saveFrom(desk, document.entry.url, {
    destination,
    resume: false,
    claim: () => undefined,
    read: async () => document,
  });
  return told instanceof Unfinished ? told.told : told;
}

/** What saving needs: loaded for the first file, and there for all others. */
let tools: Promise<[typeof import("../verbs/save.js"), typeof import("../text/filename.js")]> | undefined;

async function saveFrom(
  desk: Desk,
  url: string,
  saving: Omit<Saving, "claims"> & { readonly claim: (path: string) => void },
): Promise<string | undefined | Unfinished> {
  tools ??= Promise.all([import("../verbs/save.js"), import("../text/filename.js")]);
  const [{ saveDocument }, { remoteFileName }] = await tools;
  const { destination, resume, read, another } = saving;
  const { options } = desk;
  const maxSize = sizeBound(options);
  const count = segmentsOf(options);
  const { checksum } = options;
  const ifChanged = options["if-changed"] === true;
  const expected =
    typeof checksum === "string" ? (await import("../verbs/checksum.js")).parseChecksum(checksum) : undefined;
  const tell = (text: string) => desk.terminal.warn(desk.client.transcript.cover(text));
  let naming: Promise<void> | undefined;
  const saved = await saveDocument({
    url,
    path:
      destination.kind === "file"
        ? destination.path
        : {
            folder: destination.path,
            isThere: saving.isThere === true,
            nameOf: ({ filename }) => remoteFileName(url, filename),
            ...(ifChanged ? { expected: remoteFileName(url, undefined) } : {}),
          },
    claim: saving.claim,
    read,
    replace: options["force"] === true,
    ifChanged,
    ...(ifChanged ? { stateFolder: stateFolder(desk.terminal.environment) } : {}),
    resume,
    ...(expected === undefined ? {} : { checksum: expected }),
    ...(count > 1 && another !== undefined
      ? { segments: { count, another, retries: desk.client.policy.retries, tell } }
      : {}),
    ...(maxSize === undefined ? {} : { maxSize }),
    signal: desk.signal,
    progress: (report) => desk.progress(report),
    ...(saving.hurried === true
      ? {
          later: (finishing: Promise<void>) => {
            naming = finishing;
          },
        }
      : {}),
  });
  return naming === undefined
    ? told(desk, url, saved)
    : new Unfinished(naming.then(() => told(desk, url, saved)));
}

async function told(desk: Desk, url: string, { path, size, unchanged }: Saved): Promise<string | undefined> {
  if (desk.options["json"] === true) {
    const { jsonLine } = await import("./json-line.js");
    return jsonLine({ url, path, size, ...(unchanged === true ? { unchanged } : {}) });
  }
  if (desk.terminal.errorIsTerminal && !desk.terminal.quiet) {
    const [{ safeLine }, { humanSize }] = await Promise.all([
      import("../text/safe.js"),
      import("../text/units.js"),
    ]);
    desk.terminal.say(`${safeLine(path)}: ${unchanged === true ? "has not changed" : humanSize(size)}`);
  }
  return undefined;
}

/** Two documents with one name: the second would replace the first, or spoil it. */
function claim(claims: Batch["claims"], path: string, target: Target): void {
  const owner = claims.get(path);
  if (owner !== undefined && owner !== target) {
    throw new PortholeError("local", `${path}: another of these URLs is saved under that name`, {
      hint: "fetch it by itself, with -o FILE",
    });
  }
  claims.set(path, target);
}

/** More connections than this for one document no server likes. */
const MOST_SEGMENTS = 32;

/** `--segments N`. @throws PortholeError `usage` */
function segmentsOf(options: Options): number {
  const given = options["segments"] ?? 1;
  if (typeof given === "number" && Number.isInteger(given) && given >= 1 && given <= MOST_SEGMENTS)
    return given;
  throw new PortholeError("usage", `--segments wants a number from 1 to ${MOST_SEGMENTS}`);
}
