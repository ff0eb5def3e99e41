/** A document to where the user wants it: standard output, a file, a folder. */
import { join } from "node:path";
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
import { repeatWhilePossible } from "../verbs/repeat.js";
import type { Desk } from "./command.js";
import { pourDocument } from "./pour.js";

export type Destination =
  | { readonly kind: "output" }
  | { readonly kind: "file"; readonly path: string }
  /** A file named as at the server, in this folder. */
  | { readonly kind: "folder"; readonly path: string };

/** @throws PortholeError `usage` when the options contradict each other */
export function destinationOf(options: Options, urls: number): Destination {
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

/** Fetches one document. @throws PortholeError */
export async function fetchTo(desk: Desk, target: Target, destination: Destination): Promise<void> {
  await repeatWhilePossible(
    desk.client.policy.retries,
    desk.signal,
    (text) => desk.terminal.warn(text),
    () =>
      desk.client.use(target, async (session) => {
        if (session.read === undefined) throw new PortholeError("usage", "there is nothing to read here");
        refuseContainer(session, target);
        const read = session.read.bind(session);
        if (destination.kind === "output") await show(desk, await read(target.path));
        else await save(desk, target, destination, (query) => read(target.path, query));
      }),
  );
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

async function save(
  desk: Desk,
  target: Target,
  destination: Exclude<Destination, { kind: "output" }>,
  read: (query: ReadQuery) => Promise<Document>,
): Promise<void> {
  const [{ saveDocument }, { remoteFileName }] = await Promise.all([
    import("../verbs/save.js"),
    import("../text/filename.js"),
  ]);
  const url = target.href(target.path);
  const maxSize = maxSizeOf(desk.options);
  let first: Document | undefined;
  // The name may come with the answer; a file that is there already is found before the body is fetched.
  const path =
    destination.kind === "file" ? destination.path : join(destination.path, remoteFileName(url, undefined));
  const saved = await saveDocument({
    url,
    path,
    read: async (query) => {
      first = await read(query);
      return first;
    },
    replace: desk.options["force"] === true,
    resume: desk.options["resume"] === true,
    ...(maxSize === undefined ? {} : { maxSize }),
    signal: desk.signal,
    progress: (report) => desk.progress(report),
  });
  await tell(desk, url, saved.path, saved.size);
}

async function tell(desk: Desk, url: string, path: string, size: number): Promise<void> {
  if (desk.options["json"] === true) {
    const { jsonLine } = await import("./json-line.js");
    await desk.terminal.write(jsonLine({ url, path, size }));
  } else if (desk.terminal.errorIsTerminal && !desk.terminal.quiet) {
    const [{ safeLine }, { humanSize }] = await Promise.all([
      import("../text/safe.js"),
      import("../text/units.js"),
    ]);
    desk.terminal.say(`${safeLine(path)}: ${humanSize(size)}`);
  }
}

/** `--max-size`: octets, with k, M, G for their powers of 1024. @throws PortholeError `usage` */
function maxSizeOf(options: Options): number | undefined {
  const given = options["max-size"];
  return typeof given === "string" ? parseSize(given, "--max-size") : undefined;
}
