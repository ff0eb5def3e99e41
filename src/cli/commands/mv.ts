/** `porthole mv FROM TO`, within one server. */
import { PortholeError } from "../../errors.js";
import type { Target } from "../../plugin.js";
import type { Desk } from "../command.js";
import { entryJson, jsonLine } from "../json-line.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { client, words, options } = desk;
  const [from, to, ...more] = words;
  if (from === undefined || to === undefined || more.length > 0) {
    throw new PortholeError("usage", "mv wants two places", { hint: "porthole mv FROM TO" });
  }
  const source = client.target(from);
  // A bare path as the second place is one on the same server.
  const goal = to.startsWith("/") ? { ...source, path: to } : client.target(to);
  client.require(source, "mv", ["mv"]);
  if (!samePlace(source, goal)) {
    throw new PortholeError("usage", "mv moves within one server", {
      hint: "copy, then remove the original",
    });
  }
  await client.use(source, async (session) => {
    const entry = await session.move?.(source.path, goal.path, { replace: options["force"] === true });
    if (entry !== undefined && options["json"] === true) {
      await desk.terminal.write(jsonLine(entryJson(entry, source.protocol)));
    }
  });
  return undefined;
}

function samePlace(a: Target, b: Target): boolean {
  return a.protocol === b.protocol && a.host === b.host && a.port === b.port;
}
