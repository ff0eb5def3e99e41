/** What WebDAV (RFC 4918) adds to HTTP: folders that can be listed, made, moved and removed. */
import { PortholeError } from "../../../src/errors.js";
import type { Entry } from "../../../src/plugin.js";
import { decodeOctets } from "../../../src/url.js";
import { drain } from "../drain.js";
import { type HttpResponse, headerValue } from "../engine.js";
import { type Answer, writtenEntry } from "../entry.js";
import { isRedirect, type Place, requestPath, urlOf } from "../redirects.js";
import type { Requester } from "../requester.js";
import { Upload } from "../upload.js";
import { parseXml } from "../xml.js";
import { type DavEntry, davEntries, firstFailure, PROPFIND_BODY, withSlash } from "./properties.js";

/** Octets of a folder's listing, which is read whole. */
const LONGEST_LISTING = 32 * 1024 * 1024;
/** What servers without WebDAV, or without it here, answer to its methods. */
const NO_DAV: readonly number[] = [400, 403, 405, 406, 411, 415, 500, 501];

/**
 * The place itself and what is directly in it; undefined where the server has no WebDAV.
 * @throws PortholeError `missing`, `auth`, `protocol` and as for any request
 */
export async function propfind(
  requester: Requester,
  path: string,
  depth: 0 | 1,
): Promise<readonly DavEntry[] | undefined> {
  const body = PROPFIND_BODY;
  const upload = await Upload.of({ size: body.length, body: once(body) });
  const { place, response } = await requester.ask({
    method: "PROPFIND",
    path,
    headers: [
      ["Depth", String(depth)],
      ["Content-Type", "application/xml; charset=utf-8"],
    ],
    upload,
    uncoded: true,
    welcomes: ({ status }) => NO_DAV.includes(status),
  });
  if (response.status !== 207) {
    await drain(response.body);
    return undefined;
  }
  try {
    const found = await davEntries(await whole(response), place);
    // RFC 4918, 9.1: the folder itself is among them. Nothing at all must not be taken for an empty one.
    if (found.length === 0 && depth === 1) throw listsNothing();
    return found;
  } catch (thrown) {
    if (thrown instanceof PortholeError) thrown.url ??= urlOf(place);
    throw thrown;
  }
}

/** @throws PortholeError `local` when it is there, `missing` when the folder above is not, `refused` without WebDAV */
export async function makeFolder(requester: Requester, path: string): Promise<Entry> {
  decodeOctets(path);
  const folder = withSlash(path);
  const answer = await requester.ask({
    method: "MKCOL",
    path: folder,
    welcomes: ({ status }) => NO_DAV.includes(status) || status === 409,
  });
  await drain(answer.response.body);
  const { status } = answer.response;
  if (status === 409) throw failure("missing", "the folder above it is not there", answer);
  if (status < 400) return { ...writtenEntry(answer, undefined), kind: "directory" };
  // RFC 4918, 9.3.1: 405 says that something is there, or that the method is not known at all.
  const there = status === 405 ? await propfind(requester, folder, 0) : undefined;
  if (there !== undefined) throw failure("local", "there is something at that place already", answer);
  throw withoutDav(answer);
}

/**
 * What is no folder goes into a folder that is there. Nothing is moved onto a folder with something in it: RFC 4918,
 * 9.9.3 has servers remove all that is there first.
 * @throws PortholeError `local` when the target is there and is not to be replaced
 */
export async function move(requester: Requester, from: string, to: string, replace: boolean): Promise<Entry> {
  // A name with a line end in it is nobody's wish, and a trap for whoever lists it.
  decodeOctets(to);
  const looksFirst = replace || to.endsWith("/");
  const goal = looksFirst ? ((await innerGoal(requester, from, to, replace)) ?? to) : to;
  const answer = await moved(requester, from, goal, replace);
  if (isOfDestination(answer) && !goal.endsWith("/")) {
    // Apache says so of a destination that is a folder, and wants its slash.
    await drain(answer.response.body);
    return move(requester, from, `${goal}/`, replace);
  }
  if (answer.response.status !== 412) return settled(requester, answer, goal);
  await drain(answer.response.body);
  const inner = replace ? undefined : await innerGoal(requester, from, to, false);
  if (inner === undefined) throw standsThere(answer);
  const second = await moved(requester, from, inner, false);
  return settled(requester, second, inner);
}

function moved(requester: Requester, from: string, to: string, replace: boolean): Promise<Answer> {
  return requester.ask({
    method: "MOVE",
    path: from,
    headers: [
      ["Destination", urlOf({ origin: requester.origin, path: requestPath(to) })],
      ["Overwrite", replace ? "T" : "F"],
    ],
    welcomes: ({ status, headers }) =>
      MOVE_REFUSED.includes(status) ||
      NO_DAV.includes(status) ||
      (isRedirect(status) && headerValue(headers, "location") === undefined),
  });
}

/** A redirect that leads nowhere: it is not the source that is elsewhere. */
function isOfDestination({ response: { status } }: Answer): boolean {
  return isRedirect(status);
}

/** Statuses of MOVE that are told in words of their own (RFC 4918, 9.9.4). */
const MOVE_REFUSED: readonly number[] = [409, 412, 424];

async function settled(requester: Requester, answer: Answer, to: string): Promise<Entry> {
  const { status } = answer.response;
  if (status === 207 || status === 424) {
    const words = status === 207 ? "the server moved some of it, and some not" : "it was not moved";
    throw failure(status === 207 ? "partial" : "refused", words, await explained(answer));
  }
  await drain(answer.response.body);
  if (status === 412) throw standsThere(answer);
  if (status === 409) throw failure("missing", "the folder that it is to go to is not there", answer);
  if (status === 403 || isRedirect(status)) {
    throw failure("refused", "the server refuses to move it there", answer);
  }
  if (status >= 400) throw withoutDav(answer);
  const goal: Place = { origin: requester.origin, path: requestPath(to) };
  const { size: _unknown, ...entry } = writtenEntry({ ...answer, place: goal }, undefined);
  return to.endsWith("/") ? { ...entry, kind: "directory" } : entry;
}

function standsThere(answer: Answer): PortholeError {
  return failure("local", "there is something at that place already", answer, "--force replaces it");
}

/**
 * Where something goes that is moved to a folder: into it, unless it is one itself. Undefined: there is no folder.
 * @throws PortholeError `missing` when there should be one, by the slash; `refused` when what would be replaced is a folder with something in it
 */
async function innerGoal(
  requester: Requester,
  from: string,
  to: string,
  replace: boolean,
): Promise<string | undefined> {
  const there = await foundAt(requester, to);
  if (there !== undefined && !isFolder(there)) return undefined;
  if (there === undefined && !to.endsWith("/")) return undefined;
  const source = await foundAt(requester, from);
  if (there === undefined) {
    if (source === undefined || isFolder(source)) return undefined;
    // Servers would make a file of that name.
    throw new PortholeError("missing", "the folder that it is to go to is not there", {
      url: urlOf({ origin: requester.origin, path: requestPath(to) }),
      hint: "mkdir makes it",
    });
  }
  const name = from.replace(/\/+$/, "").split("/").at(-1) ?? "";
  if (source !== undefined && !isFolder(source) && name !== "") {
    const inner = `${withSlash(to)}${name}`;
    const second = replace ? await foundAt(requester, inner) : undefined;
    if (second !== undefined && isFolder(second)) refuseFull(second);
    return inner;
  }
  if (replace) refuseFull(there);
  return undefined;
}

/** What a folder holds, itself with it; undefined where nothing is, or where WebDAV does not tell. */
async function foundAt(requester: Requester, path: string): Promise<readonly DavEntry[] | undefined> {
  try {
    return await propfind(requester, path, 1);
  } catch (thrown) {
    if (thrown instanceof PortholeError && thrown.code === "missing") return undefined;
    throw thrown;
  }
}

function isFolder(found: readonly DavEntry[]): boolean {
  return found.some(({ self, entry }) => !self || entry.kind === "directory");
}

function refuseFull(found: readonly DavEntry[]): void {
  if (found.every(({ self }) => self)) return;
  throw new PortholeError("refused", "there is a folder at that place, and it is not empty", {
    hint: "rm -r removes it with all that is in it",
  });
}

/**
 * DELETE, which removes a folder of WebDAV with all that is in it: so what is there is looked at first.
 * @throws PortholeError `refused` for a folder that is not empty, unless `recursive`
 */
export async function remove(requester: Requester, path: string, recursive: boolean): Promise<void> {
  const found = recursive ? undefined : await propfind(requester, path, 1);
  const [inside] = found?.filter(({ self }) => !self) ?? [];
  if (inside !== undefined) {
    throw new PortholeError("refused", "the folder is not empty", {
      hint: "-r removes it with all that is in it",
    });
  }
  const answer = await requester.ask({
    method: "DELETE",
    path,
    headers: recursive ? [["Depth", "infinity"]] : [],
    welcomes: ({ status }) => status === 424,
  });
  const { status } = answer.response;
  // RFC 4918, 9.6.1: of a folder some things could not be removed.
  if (status === 207) {
    throw failure("partial", "the server removed some of it, and some not", await explained(answer));
  }
  if (status === 424) throw failure("refused", "it was not removed", await explained(answer));
  await drain(answer.response.body);
}

/** The answer with what the server says of the first thing that failed (RFC 4918, 13) as its reason. */
async function explained(answer: Answer): Promise<Answer> {
  const { response } = answer;
  let first: string | undefined;
  try {
    first = firstFailure(await parseXml(await whole(response)));
  } catch (thrown) {
    // Who answers with something else has said it by the status.
    if (!(thrown instanceof PortholeError) || thrown.code !== "protocol") throw thrown;
    response.body.destroy();
  }
  return first === undefined ? answer : { ...answer, response: { ...response, reason: first } };
}

function listsNothing(): PortholeError {
  return new PortholeError("protocol", "the server lists nothing of that place, not even itself", {
    hint: "it may know itself by another address: open it by that",
  });
}

function withoutDav(answer: Answer): PortholeError {
  return failure("refused", "the server has no WebDAV there", answer, "folders are WebDAV's");
}

function failure(
  code: "local" | "missing" | "refused" | "partial",
  words: string,
  { place, response }: Answer,
  hint?: string,
): PortholeError {
  return new PortholeError(code, words, {
    reply: `${response.status} ${response.reason}`.trim(),
    url: urlOf(place),
    hint,
  });
}

async function* once(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  yield octets;
}

async function whole({ body }: HttpResponse): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  const octets: AsyncIterable<Buffer> = body;
  for await (const piece of octets) {
    size += piece.length;
    if (size > LONGEST_LISTING) {
      throw new PortholeError("protocol", `the folder's listing is longer than ${LONGEST_LISTING} octets`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size);
}
