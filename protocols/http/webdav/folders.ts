/** What WebDAV (RFC 4918) adds to HTTP: folders that can be listed, made, moved and removed. */
import { PortholeError } from "../../../src/errors.js";
import type { Entry } from "../../../src/plugin.js";
import { decodeOctets } from "../../../src/url.js";
import { drain } from "../drain.js";
import type { HttpResponse } from "../engine.js";
import { type Answer, writtenEntry } from "../entry.js";
import { type Place, requestPath, urlOf } from "../redirects.js";
import type { Requester } from "../requester.js";
import { Upload } from "../upload.js";
import { type DavEntry, davEntries, PROPFIND_BODY, withSlash } from "./properties.js";

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
    return await davEntries(await whole(response), place);
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

/** @throws PortholeError `local` when the target is there and is not to be replaced */
export async function move(requester: Requester, from: string, to: string, replace: boolean): Promise<Entry> {
  // A name with a line end in it is nobody's wish, and a trap for whoever lists it.
  decodeOctets(to);
  const goal: Place = { origin: requester.origin, path: requestPath(to) };
  const answer = await requester.ask({
    method: "MOVE",
    path: from,
    headers: [
      ["Destination", urlOf(goal)],
      ["Overwrite", replace ? "T" : "F"],
    ],
    welcomes: ({ status }) => status === 412 || status === 409 || NO_DAV.includes(status),
  });
  await drain(answer.response.body);
  const { status } = answer.response;
  if (status === 412) {
    throw failure("local", "there is something at that place already", answer, "--force replaces it");
  }
  if (status === 409) throw failure("missing", "the folder that it is to go to is not there", answer);
  if (status === 403) throw failure("refused", "the server refuses to move it there", answer);
  if (status >= 400) throw withoutDav(answer);
  if (status === 207) throw failure("partial", "the server moved some of it, and some not", answer);
  const { size: _unknown, ...entry } = writtenEntry({ ...answer, place: goal }, undefined);
  return to.endsWith("/") ? { ...entry, kind: "directory" } : entry;
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
  });
  await drain(answer.response.body);
  // RFC 4918, 9.6.1: of a folder some things could not be removed.
  if (answer.response.status === 207)
    throw failure("partial", "the server removed some of it, and some not", answer);
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
