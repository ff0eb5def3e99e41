/** `porthole rm [-r] [--yes] URL...` */
import { PortholeError } from "../../errors.js";
import { safeLine } from "../../text/safe.js";
import type { Desk } from "../command.js";
import { askYesNo } from "../prompt.js";
import { someUrls, workThrough } from "../targets.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { client, options } = desk;
  const recursive = options["recursive"] === true;
  return workThrough(desk, someUrls(desk), ["rm"], async (target) => {
    const url = target.href(target.path);
    if (recursive && options["yes"] !== true) {
      if (!desk.terminal.inputIsTerminal) {
        throw new PortholeError("usage", `rm -r removes all beneath ${url}, and nobody is there to ask`, {
          hint: "--yes says that it is meant",
        });
      }
      if (!(await askYesNo(`Remove ${safeLine(url)} and all beneath it?`, desk.terminal, desk.signal))) {
        throw new PortholeError("aborted", "nothing was removed");
      }
    }
    await client.use(target, async (session) => {
      await session.remove?.(target.path, { recursive });
    });
    return undefined;
  });
}
