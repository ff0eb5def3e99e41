/** `porthole get URL...`: to standard output, or to files. */
import { PortholeError } from "../../errors.js";
import type { Desk } from "../command.js";
import { type Batch, destinationOf, fetchOne } from "../fetch.js";
import { KeptSessions } from "../kept-sessions.js";
import { someUrls, workThrough } from "../targets.js";

export async function run(desk: Desk): Promise<number | undefined> {
  let listed: readonly string[] = [];
  if (desk.options["input"] !== undefined) {
    const { emptyList, urlsFromFile } = await import("../url-list.js");
    listed = await urlsFromFile(desk);
    if (listed.length === 0 && desk.words.length === 0) {
      // As wget and aria2 have it: a list may be empty today.
      desk.terminal.warn(`${emptyList(desk)}: there is nothing to get`);
      return undefined;
    }
  }
  const urls = listed.length === 0 ? someUrls(desk) : [...desk.words, ...listed];
  const destination = destinationOf(desk.options, urls.length);
  // Standard output takes one document at a time.
  const jobs = destination.kind === "output" ? 1 : desk.client.policy.jobs;
  const { part, attachments } = desk.options;
  if (attachments === true || typeof part === "string") {
    if (attachments === true && part !== undefined) {
      throw new PortholeError("usage", "--part names one part, --attachments means all of them");
    }
    const { fetchAttachments, fetchPart } = await import("../message-parts.js");
    return workThrough(
      desk,
      urls,
      ["get"],
      (target) =>
        typeof part === "string"
          ? fetchPart(desk, target, part, destination)
          : fetchAttachments(desk, target, destination.kind === "folder" ? destination.path : "."),
      jobs,
    );
  }
  await using sessions = new KeptSessions();
  const batch: Batch = { claims: new Map(), ...(urls.length > 1 ? { sessions } : {}) };
  return await workThrough(desk, urls, ["get"], (target) => fetchOne(desk, target, destination, batch), jobs);
}
