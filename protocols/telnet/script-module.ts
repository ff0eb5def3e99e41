/** Scripts that are modules: JavaScript, or TypeScript whatever Node thinks of it. */
import { randomBytes } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { localError, messageOf, PortholeError, systemCode } from "../../src/errors.js";

/** Octets of a module. */
const LONGEST = 4 * 1024 * 1024;

/** @returns the module's default export @throws PortholeError `usage` for one that cannot be loaded */
export async function defaultOf(file: string): Promise<unknown> {
  const path = resolve(file);
  try {
    return exportOf(await load(path));
  } catch (thrown) {
    throw new PortholeError("usage", `${file} cannot be loaded: ${messageOf(thrown).split("\n")[0]}`, {
      cause: thrown,
    });
  }
}

async function load(path: string): Promise<unknown> {
  try {
    // By its path: built, the program is CommonJS, and what loads modules for it takes no URL.
    return await import(path);
  } catch (thrown) {
    if (!/\.[cm]?ts$/i.test(path) || !isNotRead(thrown)) throw thrown;
    return loadWithoutTypes(path);
  }
}

/** Node reads TypeScript by itself from 22.18 on; older ones stumble over the extension or the first type. */
function isNotRead(thrown: unknown): boolean {
  return thrown instanceof SyntaxError || systemCode(thrown) === "ERR_UNKNOWN_FILE_EXTENSION";
}

/** The module's JavaScript stands beside it for a moment, so that what it imports is found. */
async function loadWithoutTypes(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((thrown: unknown) => {
    throw localError(thrown, path);
  });
  if (text.length > LONGEST) throw new PortholeError("usage", `a script holds ${LONGEST} octets at most`);
  // CommonJS: in the bundle its names are found within `default` alone.
  const { default: sucrase } = await import("sucrase");
  const { code } = sucrase.transform(text, { transforms: ["typescript"], disableESTransforms: true });
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.mjs`);
  await writeFile(beside, code, { flag: "wx", mode: 0o600 });
  try {
    return await import(beside);
  } finally {
    await rm(beside, { force: true });
  }
}

function exportOf(loaded: unknown): unknown {
  return typeof loaded === "object" && loaded !== null && "default" in loaded ? loaded.default : undefined;
}
