/** `porthole mkdir URL...` */
import { makeFolders } from "../../verbs/folders.js";
import type { Desk } from "../command.js";
import { entryJson, jsonLine } from "../json-line.js";
import { someUrls, workThrough } from "../targets.js";

export async function run(desk: Desk): Promise<number | undefined> {
  return workThrough(desk, someUrls(desk), ["mkdir"], (target) =>
    desk.client.use(target, async (session) => {
      const entry =
        desk.options["parents"] === true
          ? await makeFolders(session, target.path, true)
          : await session.makeFolder?.(target.path);
      if (entry !== undefined && desk.options["json"] === true) {
        await desk.terminal.write(jsonLine(entryJson(entry, target.protocol)));
      }
      return undefined;
    }),
  );
}
