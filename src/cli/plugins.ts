/** Protocols from packages that stand beside Porthole, as PORTHOLE_PLUGINS names them. */
import { realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, PortholeError } from "../errors.js";
import { loadPlugins, nodeModulesAbove, pluginNames } from "../plugin-search.js";
import type { Registry } from "../registry.js";

/**
 * @param program the file that Node runs as `porthole`; a link in a folder of commands leads to it
 * @throws PortholeError `usage` when one is not installed, is no plugin, or claims what another has
 */
export async function registerPlugins(variable: string, registry: Registry, program: string): Promise<void> {
  const folder = dirname(await realpath(program));
  for (const manifest of await loadPlugins(pluginNames(variable), nodeModulesAbove(folder), importModule)) {
    try {
      registry.register(manifest);
    } catch (thrown) {
      throw new PortholeError("usage", messageOf(thrown), {
        hint: "take one of the two out of PORTHOLE_PLUGINS",
        cause: thrown,
      });
    }
  }
}

/** By its path: the program is CommonJS, where this becomes a require(), which takes no URL. */
function importModule(url: string): Promise<unknown> {
  return import(fileURLToPath(url));
}
