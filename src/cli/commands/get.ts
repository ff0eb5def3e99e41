/** `porthole get URL...`: to standard output, or to files. */
import type { Target } from "../../plugin.js";
import type { Desk } from "../command.js";
import { type Destination, destinationOf, fetchTo } from "../fetch.js";
import { oneByOne, someUrls } from "../targets.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const urls = someUrls(desk);
  const destination: Destination = destinationOf(desk.options, urls.length);
  return oneByOne(desk, urls, ["get"], (target: Target) => fetchTo(desk, target, destination));
}
