/** A document to where the user wants it: standard output, a file, a folder. */
import { PortholeError } from "../errors.js";
import {
  CONTAINERS,
  type Document,
  type Options,
  type ReadQuery,
  type Session,
  type Target,
} from "../plugin.js";
import { parseSize } from "../text/units.js";
import type { Desk } from "./command.js";
import { pourDocument } from "./pour.js";
import { visit } from "./visit.js";

export type Destination =
  | { readonly kind: "output" }
  | { readonly kind: "file"; readonly path: string }
  /** A file named as at the server, in this folder. */
  | { readonly kind: "folder"; readonly path: string };

/** @throws PortholeError `usage` when the options contradict each other, or cannot be read */
export function destinationOf(options: Options, urls: number): Destination {
  // A bound that is none is found before anything is sent.
  maxSizeOf(options);
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
  if (typeof directory === "string") return { kind: "folder", path: directory };
  return options["remote-name"] === true ? { kind: "folder", path: "." } : { kind: "output" };
}

/** Which URL of this run is saved to which file. */
export type Claims = Map<string, Target>;

/**
 * Fetches one document.
 * @param claims of all that this run saves
 * @returns a line for standard output about what was saved, with --json
 * @throws PortholeError
 */
export async function fetchTo(
  desk: Desk,
  target: Target,
  destination: Destination,
  claims: Claims = new Map(),
): Promise<string | undefined> {
  return visit(desk, target, async (session, attempt) => {
    if (session.read === undefined) throw new PortholeError("usage", "there is nothing to read here");
    refuseContainer(session, target);
    const read = session.read.bind(session);
    if (destination.kind === "output") {
      await show(desk, await read(target.path));
      return undefined;
    }
    // What a first attempt got need not be fetched again.
    const resume = desk.options["resume"] === true || attempt > 1;
    return save(desk, target, { destination, claims, resume, read: (query) => read(target.path, query) });
  });
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
  const maxSize = maxSizeOf(desk.options);
  const options = { signal: desk.signal, ...(maxSize === undefined ? {} : { maxSize }) };
  // A pipe wants octets: what renders for a person is not even loaded.
  if (desk.terminal.outputIsTerminal) {
    const { showDocument } = await import("./documents.js");
    await showDocument(document, desk.terminal, options);
  } else await pourDocument(document, desk.terminal, options);
}

interface Saving {
  readonly destination: Exclude<Destination, { kind: "output" }>;
  readonly claims: Claims;
  readonly resume: boolean;
  readonly read: (query: ReadQuery) => Promise<Document>;
}

async function save(desk: Desk, target: Target, saving: Saving): Promise<string | undefined> {
  return saveFrom(desk, target.href(target.path), {
    ...saving,
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
  return saveFrom(desk, document.entry.url, {
    destination,
    resume: false,
    claim: () => undefined,
    read: async () => document,
  });
}

async function saveFrom(
  desk: Desk,
  url: string,
  saving: Omit<Saving, "claims"> & { readonly claim: (path: string) => void },
): Promise<string | undefined> {
  const [{ saveDocument }, { remoteFileName }] = await Promise.all([
    import("../verbs/save.js"),
    import("../text/filename.js"),
  ]);
  const { destination, resume, read } = saving;
  const maxSize = maxSizeOf(desk.options);
  const saved = await saveDocument({
    url,
    path:
      destination.kind === "file"
        ? destination.path
        : { folder: destination.path, nameOf: ({ filename }) => remoteFileName(url, filename) },
    claim: saving.claim,
    read,
    replace: desk.options["force"] === true,
    resume,
    ...(maxSize === undefined ? {} : { maxSize }),
    signal: desk.signal,
    progress: (report) => desk.progress(report),
  });
  return told(desk, url, saved.path, saved.size);
}

async function told(desk: Desk, url: string, path: string, size: number): Promise<string | undefined> {
  if (desk.options["json"] === true) {
    const { jsonLine } = await import("./json-line.js");
    return jsonLine({ url, path, size });
  }
  if (desk.terminal.errorIsTerminal && !desk.terminal.quiet) {
    const [{ safeLine }, { humanSize }] = await Promise.all([
      import("../text/safe.js"),
      import("../text/units.js"),
    ]);
    desk.terminal.say(`${safeLine(path)}: ${humanSize(size)}`);
  }
  return undefined;
}

/** Two documents with one name: the second would replace the first, or spoil it. */
function claim(claims: Claims, path: string, target: Target): void {
  const owner = claims.get(path);
  if (owner !== undefined && owner !== target) {
    throw new PortholeError("local", `${path}: another of these URLs is saved under that name`, {
      hint: "fetch it by itself, with -o FILE",
    });
  }
  claims.set(path, target);
}

/** `--max-size`: octets, with k, M, G for their powers of 1024. @throws PortholeError `usage` */
function maxSizeOf(options: Options): number | undefined {
  const given = options["max-size"];
  return typeof given === "string" ? parseSize(given, "--max-size") : undefined;
}
