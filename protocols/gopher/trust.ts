/**
 * Trust on first use: most servers under gophers have certificates that they signed themselves. With `--tofu` the
 * first one that is seen of a host and port is taken, and from then on that one alone.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { localError, PortholeError, systemCode } from "../../src/errors.js";
import { makeFolders } from "../../src/files/make-folders.js";
import type { Context } from "../../src/plugin.js";

interface Known {
  readonly fingerprint: string;
  readonly since: string;
}

const FILE = "gopher-certificates";
const MOST_LINES = 10_000;

/**
 * What to ask about a certificate that nobody vouches for; undefined without `--tofu`, or where nothing can be kept.
 */
export function trustOnFirstUse(
  context: Context,
  host: string,
  port: number,
):
  | ((certificate: { readonly fingerprint256: string; readonly subject: string }) => Promise<boolean>)
  | undefined {
  const { stateFolder } = context;
  if (context.options["tofu"] !== true || stateFolder === undefined) return undefined;
  return async ({ fingerprint256, subject }) => {
    const path = join(stateFolder, FILE);
    const place = `${host.toLowerCase()}:${port}`;
    const all = await knownIn(path);
    const known = all.get(place);
    if (known === undefined) {
      all.set(place, { fingerprint: fingerprint256, since: new Date().toISOString() });
      await keep(path, all);
      context.warn(`the certificate of ${place} (${subject}) is trusted from now on: ${fingerprint256}`);
      return true;
    }
    if (known.fingerprint === fingerprint256) return true;
    throw new PortholeError(
      "tls",
      `the certificate of ${place} is not the one that was seen since ${known.since.slice(0, 10)}`,
      { hint: `somebody may listen in; if its owner has changed it, take its line out of ${path}` },
    );
  };
}

async function knownIn(path: string): Promise<Map<string, Known>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return new Map();
    throw localError(thrown, path);
  }
  const known = new Map<string, Known>();
  for (const line of text.split("\n").slice(0, MOST_LINES)) {
    const [place, fingerprint, since] = line.split(" ");
    if (place !== undefined && fingerprint !== undefined)
      known.set(place, { fingerprint, since: since ?? "" });
  }
  return known;
}

async function keep(path: string, all: ReadonlyMap<string, Known>): Promise<void> {
  const lines = [...all].map(([place, { fingerprint, since }]) => `${place} ${fingerprint} ${since}\n`);
  try {
    makeFolders(join(path, ".."), 0o700);
    await writeFile(`${path}.new`, lines.join(""), { mode: 0o600 });
    await rename(`${path}.new`, path);
  } catch (thrown) {
    throw localError(thrown, path);
  }
}
