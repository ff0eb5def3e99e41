/**
 * Trust on first use: most servers under gophers have certificates that they signed themselves. One that is taken, by
 * `--tofu` or by the person's word, is taken of that host and port from then on, and no other.
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

interface Shown {
  readonly fingerprint256: string;
  readonly subject: string;
}

/** One attempt to reach a server whose certificate may be one that nobody vouches for. */
export class FirstUse {
  readonly #context: Context;
  readonly #path: string;
  readonly #place: string;
  #unknown: Shown | undefined;

  constructor(context: Context, stateFolder: string, host: string, port: number) {
    this.#context = context;
    this.#path = join(stateFolder, FILE);
    this.#place = `${host.toLowerCase()}:${port}`;
  }

  /** @throws PortholeError `tls` when another was taken before; `local` */
  readonly trust = async (certificate: Shown): Promise<boolean> => {
    const known = (await knownIn(this.#path)).get(this.#place);
    if (known?.fingerprint === certificate.fingerprint256) return true;
    if (known !== undefined) {
      throw new PortholeError(
        "tls",
        `the certificate of ${this.#place} is not the one that was seen since ${known.since.slice(0, 10)}`,
        { hint: `somebody may listen in; if its owner has changed it, take its line out of ${this.#path}` },
      );
    }
    this.#unknown = certificate;
    if (this.#context.options["tofu"] !== true) return false;
    await this.#take(certificate);
    const { subject, fingerprint256 } = certificate;
    this.#context.warn(
      `the certificate of ${this.#place} (${subject}) is trusted from now on: ${fingerprint256}`,
    );
    return true;
  };

  /**
   * Asks the person about the certificate that was not taken, when the connection is gone: nobody reads in the time
   * that a handshake has. @returns true when it is taken from now on
   */
  async offer(): Promise<boolean> {
    const certificate = this.#unknown;
    if (certificate === undefined) return false;
    const question = `Nobody vouches for the certificate of ${this.#place} (${certificate.subject}, SHA-256 ${certificate.fingerprint256}). Trust it from now on?`;
    if ((await this.#context.confirm?.(question)) !== true) return false;
    await this.#take(certificate);
    return true;
  }

  async #take({ fingerprint256 }: Shown): Promise<void> {
    const all = await knownIn(this.#path);
    all.set(this.#place, { fingerprint: fingerprint256, since: new Date().toISOString() });
    await keep(this.#path, all);
  }
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
