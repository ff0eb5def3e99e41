/**
 * Protocols that are installed beside Porthole: packages named `porthole-plugin-*` whose main module exports a
 * `manifest`. Nothing is loaded but what was asked for by name: a package that merely lies there runs no code.
 */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, PortholeError, systemCode } from "./errors.js";
import { type Manifest, VERB_METHODS } from "./plugin.js";
import { nearest } from "./spelling.js";

/** A package that was found by its name. */
export interface PluginPackage {
  /** `porthole-plugin-finger`. */
  readonly name: string;
  readonly folder: string;
}

/** `import()`, given a file: URL. */
export type ImportModule = (url: string) => Promise<unknown>;

const PLUGIN_NAME = /^porthole-plugin-[a-z0-9][a-z0-9._-]*$/;

/**
 * The names in the variable PORTHOLE_PLUGINS: `porthole-plugin-finger,porthole-plugin-dict`.
 * @throws PortholeError `usage` for a name that is no plugin's
 */
export function pluginNames(variable = ""): string[] {
  const names = variable.split(/[\s,]+/).filter((name) => name !== "");
  for (const name of names) {
    if (!PLUGIN_NAME.test(name)) {
      throw new PortholeError("usage", `'${name}' is not the name of a plugin`, {
        hint: "PORTHOLE_PLUGINS lists packages named porthole-plugin-NAME, parted by commas",
      });
    }
  }
  return [...new Set(names)];
}

/** The node_modules folders in which Node would look from `folder`, nearest first; they need not be there. */
export function nodeModulesAbove(folder: string): string[] {
  const above = dirname(folder);
  return [join(folder, "node_modules"), ...(above === folder ? [] : nodeModulesAbove(above))];
}

/** What is installed, in order of names. Where several folders have a package, the first counts. */
export async function installedPlugins(folders: readonly string[]): Promise<PluginPackage[]> {
  const found = new Map<string, PluginPackage>();
  for (const folder of folders) {
    for (const name of await namesIn(folder)) {
      if (PLUGIN_NAME.test(name) && !found.has(name)) found.set(name, { name, folder: join(folder, name) });
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The manifests of these packages, in the order given.
 * @param names as `pluginNames` gives them
 * @param folders node_modules folders, nearest first
 * @throws PortholeError `usage` when one is not installed, cannot be loaded, or has no manifest
 */
export async function loadPlugins(
  names: readonly string[],
  folders: readonly string[],
  load: ImportModule,
): Promise<Manifest[]> {
  if (names.length === 0) return [];
  const installed = await installedPlugins(folders);
  const wanted = names.map((name) => {
    const known = installed.find((candidate) => candidate.name === name);
    if (known !== undefined) return known;
    const installedNames = installed.map((candidate) => candidate.name);
    const guess = nearest(name, installedNames);
    throw new PortholeError("usage", `the plugin ${name} is not installed`, {
      hint: guess === undefined ? "install it, or take it out of PORTHOLE_PLUGINS" : `did you mean ${guess}?`,
    });
  });
  return Promise.all(wanted.map((plugin) => manifestOf(plugin, load)));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(systemCode(thrown) ?? "")) return [];
    throw thrown;
  }
}

async function manifestOf(plugin: PluginPackage, load: ImportModule): Promise<Manifest> {
  const url = pathToFileURL(await mainModule(plugin)).href;
  let module: unknown;
  try {
    module = await load(url);
  } catch (thrown) {
    throw unusable(plugin, `it cannot be loaded: ${messageOf(thrown)}`, thrown);
  }
  const manifest = isRecord(module) ? module["manifest"] : undefined;
  if (!isRecord(manifest)) throw unusable(plugin, "it exports no manifest");
  const wrong = Object.entries(RIGHT).find(([key, isRight]) => !isRight(manifest[key]))?.[0];
  if (wrong !== undefined) throw unusable(plugin, `its manifest has no proper '${wrong}'`);
  if (!isManifest(manifest)) throw unusable(plugin, "its manifest is none");
  return manifest;
}

/** The file that `import` of the package's name would load. Node's own way there starts from the importing module. */
async function mainModule(plugin: PluginPackage): Promise<string> {
  const file = join(plugin.folder, "package.json");
  let facts: unknown;
  try {
    facts = JSON.parse(await readFile(file, "utf8"));
  } catch (thrown) {
    throw unusable(plugin, `its package.json cannot be read: ${messageOf(thrown)}`, thrown);
  }
  if (!isRecord(facts)) throw unusable(plugin, "its package.json is not an object");
  const main = exported(facts["exports"]) ?? facts["main"] ?? "index.js";
  if (typeof main !== "string") throw unusable(plugin, "its package.json names no main module");
  const path = join(plugin.folder, main);
  if (relative(plugin.folder, path).split(sep).includes("..")) {
    throw unusable(plugin, "its main module is not in its folder");
  }
  return path;
}

/** Conditions that hold here, of Node's: https://nodejs.org/api/packages.html#conditional-exports */
const CONDITIONS: ReadonlySet<string> = new Set(["node", "import", "module-sync", "default"]);

function exported(exports: unknown): string | undefined {
  if (typeof exports === "string") return exports;
  if (!isRecord(exports)) return undefined;
  if ("." in exports) return exported(exports["."]);
  for (const [condition, target] of Object.entries(exports)) {
    const path = CONDITIONS.has(condition) ? exported(target) : undefined;
    if (path !== undefined) return path;
  }
  return undefined;
}

/** What each key of a manifest must be for the table, help and the router to work. */
const RIGHT: Readonly<Record<keyof Manifest, (value: unknown) => boolean>> = {
  name: (value) => typeof value === "string" && /^[a-z][a-z0-9-]*$/.test(value),
  title: isText,
  summary: isText,
  schemes: (value) => isRecord(value) && Object.entries(value).every(isScheme),
  verbs: (value) => Array.isArray(value) && value.every((verb) => Object.hasOwn(VERB_METHODS, String(verb))),
  sends: (value) => value === undefined || value === "message" || value === "octets",
  sendCommand: (value) => value === undefined || isText(value),
  folderType: (value) => value === undefined || isText(value),
  options: (value) =>
    Array.isArray(value) && value.every((option) => isRecord(option) && isText(option["flag"])),
  commands: (value) =>
    Array.isArray(value) && value.every((known) => isRecord(known) && isText(known["name"])),
  otherNames: (value) =>
    value === undefined || (isRecord(value) && Object.values(value).every(isListOfTexts)),
  load: (value) => typeof value === "function",
};

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isManifest(value: object): value is Manifest {
  const keys: Readonly<Record<string, unknown>> = { ...value };
  return Object.entries(RIGHT).every(([key, isRight]) => isRight(keys[key]));
}

function isScheme([name, scheme]: [string, unknown]): boolean {
  if (!/^[a-z][a-z0-9+.-]*$/.test(name) || !isRecord(scheme)) return false;
  const { port, tls } = scheme;
  const isPort = port === undefined || (Number.isInteger(port) && Number(port) > 0 && Number(port) < 65_536);
  return isPort && (tls === "never" || tls === "upgrade" || tls === "always");
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unusable(plugin: PluginPackage, why: string, cause?: unknown): PortholeError {
  return new PortholeError("usage", `the plugin ${plugin.name} cannot be used: ${why}`, {
    hint: `it is in ${plugin.folder}`,
    ...(cause === undefined ? {} : { cause }),
  });
}
