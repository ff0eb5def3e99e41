/** One thing of a copy: whether there is anything to do, where to begin, and what the journal is told. */
import { Readable } from "node:stream";
import { PortholeError } from "../errors.js";
import type { Document, Entry, JsonObject, Progress, ReadQuery, Session, Target } from "../plugin.js";
import { mailDigest } from "./content.js";
import { filePath, type Matter } from "./cp-plan.js";
import { Door, type Doors, isNear, type Pair } from "./doors.js";
import type { Journal } from "./journal.js";
import { isSameMessage, messageMark } from "./marks.js";
import { boundOf, type Oversize } from "./oversize.js";
import { saveDocument } from "./save.js";
import { type DeliveryRequest, deliver, type Transferred, transfer } from "./transfer.js";

export interface CopyItem {
  readonly source: Target;
  readonly matter: Matter;
  /** The URL's path at the source. */
  readonly from: string;
  /** And at the target; of a message the mailbox. */
  readonly to: string;
  /** For progress. */
  readonly name: string;
  /** As the source's listing has it. */
  readonly size?: number;
  /** Its URL may have named another message when something was noted of it. */
  readonly passing?: true;
}

export interface CopyOptions {
  readonly doors: Doors;
  readonly target: Target;
  readonly journal: Journal | undefined;
  readonly replace: boolean;
  readonly resume: boolean;
  /** Octets: the bound for what no listing has told the size of. */
  readonly maxSize: number | undefined;
  readonly signal: AbortSignal;
  readonly progress?: (report: Progress) => void;
}

export type ItemResult =
  | { readonly kept: true }
  /** `url`: what it is called at the target, where that is not decided here. */
  | { readonly kept: false; readonly size: number; readonly from: number; readonly url?: string };

/** @throws PortholeError `local` when the target is there and may not be replaced */
export async function copyItem(pair: Pair, item: CopyItem, options: CopyOptions): Promise<ItemResult> {
  const { journal, target } = options;
  const key = item.source.href(item.from);
  const to = target.href(item.to);
  const noted = journal?.facts.get(key);
  const ours = noted !== undefined && noted["to"] === to;
  const wasDone = ours && noted["state"] === "done" && item.passing !== true;
  if (wasDone && (await stillThere(pair, item, noted))) return { kept: true };
  if (item.matter === "messages") {
    const begun = ours && (noted["state"] === "begun" || item.passing === true);
    const url = begun ? await arrived(pair, item, options) : undefined;
    if (url !== undefined) {
      await journal?.note(key, { state: "done", to, url });
      return { kept: true };
    }
    return copyMessage(pair, item, options, key);
  }
  const path = fileAt(target, item);
  const begun = ours && noted["state"] !== undefined;
  if ((await pair.from.session()).handOver !== undefined) return handOver(pair, item, options, begun);
  if (path !== undefined) return copyToFile(pair, item, options, { path, key, to, begun });
  const start = await startAt(pair, item, options, begun);
  if (start === "whole") {
    await journal?.note(key, { state: "done", to, ...(item.size === undefined ? {} : { size: item.size }) });
    return { kept: true };
  }
  const validator = begun && typeof noted["validator"] === "string" ? noted["validator"] : undefined;
  const done = await transfer(pair, {
    from: item.from,
    to: item.to,
    name: item.name,
    // What an earlier run left in part is ours to replace.
    replace: options.replace || begun,
    ...(start === 0 ? {} : { offset: start }),
    ...(validator === undefined ? {} : { validator }),
    begin: async (document) => {
      if (start > 0 && document.offset === 0 && !begun && !options.replace) throw cannotContinue(to);
      // Before this is on the disk nothing is written: else what is there would count as somebody else's.
      if (!begun && !options.replace && start === 0) await refuseExisting(pair, item, to);
      await journal?.note(key, { state: "begun", to, ...validatorOf(document) });
    },
    ...boundOf(item.size, options.maxSize),
    signal: options.signal,
    ...(options.progress === undefined ? {} : { progress: options.progress }),
  });
  await journal?.note(key, { state: "done", to, size: done.size });
  return { kept: false, size: done.size, from: done.from };
}

/** The user wants it to go from server to server. */
async function handOver(
  pair: Pair,
  item: CopyItem,
  { journal, target, replace, resume }: CopyOptions,
  begun: boolean,
): Promise<ItemResult> {
  if (resume) {
    throw new PortholeError("usage", "what goes from server to server is not continued", {
      hint: "--force instead of --resume sends it from the start",
    });
  }
  const key = item.source.href(item.from);
  const to = target.href(item.to);
  if (!begun && !replace) await refuseExisting(pair, item, to);
  await journal?.note(key, { state: "begun", to });
  const other = await pair.to.session();
  const entry = await pair.from.use(async (session) => {
    // What was refused above is refused once: what an earlier run left in part is ours to replace.
    return session.handOver?.(item.from, other, item.to, { replace: true });
  });
  const size = entry?.size ?? item.size ?? 0;
  await journal?.note(key, { state: "done", to, size });
  return { kept: false, size, from: 0 };
}

/** Whether nothing is known of it, so that it may be read before its place is looked at. */
export function isFresh(item: CopyItem, { journal, resume, target }: CopyOptions): boolean {
  if (resume || journal?.facts.has(item.source.href(item.from)) === true) return false;
  return item.matter === "messages" || fileAt(target, item) !== undefined;
}

/** An earlier run has carried it. */
export function isDone(item: CopyItem, { journal, target }: CopyOptions): boolean {
  if (item.passing === true) return false;
  const noted = journal?.facts.get(item.source.href(item.from));
  return noted !== undefined && noted["state"] === "done" && noted["to"] === target.href(item.to);
}

/** It turned out too large: what a server has of it goes, for it stands under the name of the whole. */
export async function forget(
  item: CopyItem,
  { isBegun }: Oversize,
  { journal, target, doors, signal }: CopyOptions,
): Promise<void> {
  const key = item.source.href(item.from);
  const wasBegun = journal?.facts.get(key)?.["state"] === "begun";
  if (isBegun && item.matter === "files" && fileAt(target, item) === undefined && !isNear(doors, target)) {
    await using door = new Door(doors, target, signal);
    await door
      .use(async (session) => session.remove?.(item.to))
      .catch((thrown: unknown) => {
        if (!(thrown instanceof PortholeError) || thrown.code !== "missing") throw thrown;
      });
  }
  if (wasBegun) await journal?.note(key, undefined);
}

/** The file that it becomes, where the target is this machine's and the name can be a text. */
function fileAt(target: Target, item: CopyItem): string | undefined {
  return target.url.scheme === "file" ? filePath(item.to) : undefined;
}

/** What was read ahead, and all of its octets where they have been taken from it. */
export interface ReadAhead {
  readonly document: Document;
  readonly held: Buffer | undefined;
}

/** One that `isFresh` and was read ahead. @throws as `copyItem` */
export async function copyRead(
  target: Door,
  item: CopyItem,
  { document, held }: ReadAhead,
  options: CopyOptions,
): Promise<ItemResult> {
  const key = item.source.href(item.from);
  const to = options.target.href(item.to);
  if (item.matter === "messages") {
    const delivery = { ...messageDelivery(item, options, key), ...(held === undefined ? {} : { held }) };
    return target.use(async (session) =>
      messageCopied(await deliver(session, document, delivery), item, options, key),
    );
  }
  const path = fileAt(options.target, item);
  if (path === undefined) throw new TypeError("only what is fresh is read ahead");
  const whole = held === undefined ? document : inMemory(document, held);
  return saveToFile(async () => whole, item, options, { path, key, to, begun: false });
}

/** The same document, its octets given from memory. */
function inMemory(document: Document, held: Buffer): Document {
  const { entry, type, offset, charset, total, validator, version, filename } = document;
  return {
    entry,
    type,
    offset,
    ...(charset === undefined ? {} : { charset }),
    ...(total === undefined ? {} : { total }),
    ...(validator === undefined ? {} : { validator }),
    ...(version === undefined ? {} : { version }),
    ...(filename === undefined ? {} : { filename }),
    body: Readable.from(held.length === 0 ? [] : [held], { objectMode: false }),
  };
}

/** A file of this machine is written beside its place and renamed; a partial one is kept with what it came from. */
async function copyToFile(
  pair: Pair,
  item: CopyItem,
  options: CopyOptions,
  place: FilePlace,
): Promise<ItemResult> {
  const source = await pair.from.session();
  const read = async (query: ReadQuery) => {
    if (source.read === undefined) throw new PortholeError("usage", "there is nothing to read at the source");
    return source.read(item.from, query);
  };
  return saveToFile(read, item, options, place);
}

interface FilePlace {
  readonly path: string;
  readonly key: string;
  readonly to: string;
  /** An earlier run began it: what is there is ours. */
  readonly begun: boolean;
}

async function saveToFile(
  read: (query: ReadQuery) => Promise<Document>,
  item: CopyItem,
  options: CopyOptions,
  { path, key, to, begun }: FilePlace,
): Promise<ItemResult> {
  const saved = await saveDocument({
    url: key,
    path,
    read: async (query) => {
      // The place is free, or ours: from here on what is found there is this job's.
      await options.journal?.note(key, { state: "begun", to });
      return read(query);
    },
    replace: options.replace || begun,
    resume: options.resume,
    ...boundOf(item.size, options.maxSize),
    signal: options.signal,
    ...(options.progress === undefined ? {} : { progress: renamed(options.progress, item.name) }),
  });
  await options.journal?.note(key, { state: "done", to, size: saved.size });
  return { kept: false, size: saved.size, from: saved.from };
}

function renamed(progress: (report: Progress) => void, what: string): (report: Progress) => void {
  return (report) => progress({ ...report, what });
}

/** A mailbox gives the message its name. */
async function copyMessage(
  pair: Pair,
  item: CopyItem,
  options: CopyOptions,
  key: string,
): Promise<ItemResult> {
  const delivery = messageDelivery(item, options, key);
  return messageCopied(await transfer(pair, { from: item.from, ...delivery }), item, options, key);
}

function messageDelivery(item: CopyItem, options: CopyOptions, key: string): DeliveryRequest {
  const { journal, target, replace, maxSize, signal, progress } = options;
  return {
    to: item.to,
    name: item.name,
    replace,
    ...boundOf(item.size, maxSize),
    begin: async () => journal?.note(key, { state: "begun", to: target.href(item.to) }),
    signal,
    ...(progress === undefined ? {} : { progress }),
  };
}

async function messageCopied(
  { size, url }: Transferred,
  item: CopyItem,
  { journal, target }: CopyOptions,
  key: string,
): Promise<ItemResult> {
  const to = target.href(item.to);
  await journal?.note(key, { state: "done", to, size, url });
  return { kept: false, size, from: 0, url };
}

/**
 * An earlier run may have ended between the mailbox's word and the journal's: then the message is there. Another one may
 * have its Message-ID and its size, so what is in it decides; and a copy of it that was noted is another's.
 */
async function arrived(
  pair: Pair,
  item: CopyItem,
  { doors, journal, signal }: CopyOptions,
): Promise<string | undefined> {
  const wanted = await pair.from.use(async (session) => session.stat?.(item.from));
  if (wanted === undefined || messageMark(wanted) === undefined) return undefined;
  const facts = item.passing === true ? [] : (journal?.facts.values() ?? []);
  const noted = new Set([...facts].map(({ url }) => url));
  const alike: Entry[] = [];
  await pair.to.use(async (session) => {
    if (session.list === undefined) return;
    for await (const entry of session.list(item.to))
      if (isSameMessage(wanted, entry) && !noted.has(entry.url)) alike.push(entry);
  });
  if (wanted.kind === "article") return alike[0]?.url;
  if (alike.length === 0) return undefined;
  const { whole } = await mailDigest(pair.from, item.from, signal);
  for (const { url } of alike)
    if ((await mailDigest(pair.to, doors.target(url).path, signal)).whole === whole) return url;
  return undefined;
}

function validatorOf({ validator }: Document): JsonObject {
  return validator === undefined ? {} : { validator };
}

/** What an earlier run finished may have been taken away since. */
async function stillThere(pair: Pair, item: CopyItem, noted: JsonObject): Promise<boolean> {
  if (item.matter === "messages") return true;
  // The source has another size by now: it is copied again.
  if (item.size !== undefined && typeof noted["size"] === "number" && noted["size"] !== item.size)
    return false;
  const there = await pair.to.use((session) => sizeAt(session, item.to));
  return there === "unknown" || there === noted["size"];
}

/** The octet to begin at, or `whole` when nothing is left to do. */
async function startAt(
  pair: Pair,
  item: CopyItem,
  { resume, target, replace }: CopyOptions,
  begun: boolean,
): Promise<number | "whole"> {
  if (!resume) return 0;
  const there = await pair.to.use((session) => sizeAt(session, item.to));
  if (typeof there !== "number" || there === 0) return 0;
  const size = item.size ?? (await pair.from.use((session) => sizeAt(session, item.from)));
  if (typeof size !== "number" || there < size) return there;
  if (there === size && !begun) return "whole";
  if (begun || replace) return 0;
  throw new PortholeError("local", `${target.href(item.to)}: larger than the source, ${there} octets`, {
    hint: "--force instead of --resume replaces it",
  });
}

async function sizeAt(session: Session, path: string): Promise<number | "unknown" | "nothing"> {
  if (session.stat === undefined) return "unknown";
  try {
    return (await session.stat(path)).size ?? "unknown";
  } catch (thrown) {
    if (thrown instanceof PortholeError && thrown.code === "missing") return "nothing";
    throw thrown;
  }
}

async function refuseExisting(pair: Pair, item: CopyItem, to: string): Promise<void> {
  // Without a way to look it is the session that refuses.
  if ((await pair.to.session()).stat === undefined) return;
  const there = await pair.to.use((session) => sizeAt(session, item.to));
  if (there === "nothing") return;
  throw new PortholeError("local", `${to}: exists already`, { hint: "--force replaces it" });
}

function cannotContinue(to: string): PortholeError {
  return new PortholeError("usage", `${to} cannot be continued: the source gives all or nothing`, {
    hint: "--force replaces it",
  });
}
