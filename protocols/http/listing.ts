/** What `ls` finds at a web place: the folder of a WebDAV server. Who lists what is decided here, and only here. */
import { PortholeError } from "../../src/errors.js";
import type { Entry, ListQuery } from "../../src/plugin.js";
import type { Requester } from "./requester.js";
import { propfind } from "./webdav/folders.js";

/**
 * A path that ends in a slash may be a folder of WebDAV, which is asked for first.
 * @throws PortholeError `missing`, `refused` when there is nothing that can be listed
 */
export async function* listPlace(
  requester: Requester,
  path: string,
  { limit = Number.POSITIVE_INFINITY }: ListQuery,
): AsyncGenerator<Entry, void, undefined> {
  const found = await propfind(requester, path === "" ? "/" : path, 1);
  if (found === undefined) {
    throw new PortholeError("refused", "the server has no WebDAV there, and lists nothing");
  }
  let count = 0;
  for (const { entry, self } of found) {
    if (self) continue;
    if (count === limit) return;
    count += 1;
    yield entry;
  }
}
