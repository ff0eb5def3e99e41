/** What a session by program shows, kept in a file: `--log FILE`, control characters made visible unless `--log-raw`. */
import { type FileHandle, open } from "node:fs/promises";
import { localError, PortholeError } from "../../src/errors.js";
import type { Options } from "../../src/plugin.js";
import { HarmlessStream } from "../../src/text/harmless-stream.js";

export interface SessionLog {
  add(octets: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * Written on, where the file is there already, as at a terminal.
 * @throws PortholeError `local` when it cannot be written; `usage` for one log of many hosts
 */
export async function logOf(options: Options): Promise<SessionLog | undefined> {
  const file = options["log"];
  if (typeof file !== "string") return undefined;
  if (typeof options["hosts"] === "string") {
    throw new PortholeError("usage", "--log keeps one session, and --hosts has many", {
      hint: "--json gives what each of them said",
    });
  }
  const failed = (thrown: unknown) => {
    throw localError(thrown, file);
  };
  const handle: FileHandle = await open(file, "a").catch(failed);
  const harmless = new HarmlessStream();
  const raw = options["log-raw"] === true;
  return {
    async add(octets) {
      await handle.appendFile(raw ? octets : harmless.text(octets)).catch(failed);
    },
    close: () => handle.close(),
  };
}
