/** `porthole get URL...`: to standard output, or to files. */
import type { Desk } from "../command.js";
import { type Claims, destinationOf, fetchTo } from "../fetch.js";
import { someUrls, workThrough } from "../targets.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const urls = someUrls(desk);
  const destination = destinationOf(desk.options, urls.length);
  // Standard output takes one document at a time.
  const jobs = destination.kind === "output" ? 1 : desk.client.policy.jobs;
  const claims: Claims = new Map();
  return workThrough(desk, urls, ["get"], (target) => fetchTo(desk, target, destination, claims), jobs);
}
