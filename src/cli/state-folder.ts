/** Where jobs remember what they have done: `$XDG_STATE_HOME/porthole`, else `~/.local/state/porthole`. */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

export function stateFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const given = environment["XDG_STATE_HOME"];
  // The XDG specification has relative paths passed over.
  const base =
    given !== undefined && isAbsolute(given)
      ? given
      : join(environment["HOME"] || homedir(), ".local", "state");
  return join(base, "porthole");
}
