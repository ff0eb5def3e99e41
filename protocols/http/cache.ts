/**
 * A private cache on disk (RFC 9111): http-cache-semantics decides what may be kept and used, this keeps it.
 *
 * A URL has a file that tells what was asked and answered (cache-variants.ts), and one for each body as it came. A body
 * is written while it is read, and counts when it was read to its end.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type CachePolicy from "http-cache-semantics";
import { isLocalFailure, localError } from "../../src/errors.js";
import { makeFolders } from "../../src/files/make-folders.js";
import {
  type Asked,
  conditionsOfAll,
  description,
  isFor,
  renewedBy,
  type Variant,
  variantsIn,
  withValidators,
  withVariant,
} from "./cache-variants.js";
import { type Header, type HttpResponse, headerValue } from "./engine.js";
import { closedMeanwhile } from "./failures.js";
import { readPrivate, writePrivate } from "./private-file.js";

/** Octets of one body, and of all that is kept. */
const LARGEST_BODY = 256 * 1024 * 1024;
const LARGEST_CACHE = 1024 * 1024 * 1024;

/** Something that is kept. */
export interface Found {
  /** It may be used as it is. */
  readonly fresh: boolean;
  /** What asks the server whether it still holds; empty when it is fresh. */
  readonly conditions: readonly Header[];
  response(): HttpResponse;
  /** After the server has said 304; undefined when that is about nothing that is kept. */
  renewed(answer: HttpResponse): Promise<HttpResponse | undefined>;
}

export class ResponseCache {
  readonly #folder: string;
  #grew = false;
  /** Copies that have begun, each until it is kept or removed. */
  readonly #copying = new Set<Promise<void>>();
  readonly #bodies = new Set<Readable>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws PortholeError `local` */
  async find(request: Asked, url: string): Promise<Found | undefined> {
    const place = this.#placeOf(url);
    const variants = await this.#wholeOf(place, url);
    if (variants.length === 0) return undefined;
    const Policy = await policyClass();
    const asked = policyRequest(request, url);
    const chosen = variants.find((one) => isFor(one, asked));
    const policy = chosen === undefined ? undefined : Policy.fromObject(chosen.policy);
    if (chosen !== undefined && policy?.satisfiesWithoutRevalidation(asked) === true) {
      await this.#touch(place, chosen);
      const response = () => responseOf(place, chosen, policy);
      return { fresh: true, conditions: [], response, renewed: async () => response() };
    }
    const conditions = policy === undefined ? conditionsOfAll(variants) : conditionsOf(policy, asked);
    // Nothing to ask by.
    if (conditions.length === 0) return undefined;
    const candidates = chosen === undefined ? variants : [chosen];
    return {
      fresh: false,
      conditions,
      response: () => {
        throw new Error("what is not fresh is asked for");
      },
      renewed: async (answer) => {
        const named = renewedBy(answer, candidates);
        if (named === undefined) return undefined;
        const headers = withValidators(policyResponse(answer).headers, named);
        const renewal = { status: answer.status, headers };
        const { policy: renewed } = Policy.fromObject(named.policy).revalidatedPolicy(asked, renewal);
        const variant = { ...named, policy: renewed.toObject() };
        await this.#describe(place, url, variant, asked);
        return responseOf(place, variant, renewed);
      },
    };
  }

  /** The same answer, which is kept while it is read, when it may be. @throws PortholeError `local` */
  async keep(request: Asked, url: string, response: HttpResponse): Promise<HttpResponse> {
    const Policy = await policyClass();
    const asked = policyRequest(request, url);
    const policy = new Policy(asked, policyResponse(response), { shared: false });
    const announced = Number(headerValue(response.headers, "content-length") ?? 0);
    if (response.status !== 200 || !policy.storable() || announced > LARGEST_BODY) return response;
    const place = this.#placeOf(url);
    const name = randomUUID().slice(0, 8);
    const part = `${place}.${name}.part`;
    let over: () => void = () => undefined;
    const start = async () => {
      const copying = new Promise<void>((resolve) => {
        over = resolve;
      });
      this.#copying.add(copying);
      makeFolders(this.#folder, 0o700);
      return open(part, "wx", 0o600);
    };
    const whole = async (size: number) => {
      await rename(part, bodyOf(place, name));
      const variant = { body: name, size, reason: response.reason, policy: policy.toObject() };
      await this.#describe(place, url, variant, asked);
      this.#grew = true;
    };
    const body = Readable.from(copied(response.body, { start, part, whole, over: () => over() }), {
      objectMode: false,
    });
    // Left before it was read, it has not even begun to be copied.
    this.#bodies.add(body);
    body.once("close", () => {
      this.#bodies.delete(body);
      response.body.destroy();
    });
    // By no other way: what is not read through the copy is not kept.
    const { pour: _pour, held: _held, ...answer } = response;
    return { ...answer, body };
  }

  /** RFC 9111, 4.4: what was changed there is not what is kept. */
  async forget(url: string): Promise<void> {
    const place = this.#placeOf(url);
    const variants = variantsIn(await readPrivate(place), url);
    await rm(place, { force: true });
    for (const { body } of variants) await rm(bodyOf(place, body), { force: true });
  }

  /** Removes what was used longest ago when there is too much. */
  async close(): Promise<void> {
    for (const body of this.#bodies) {
      // Nobody may be there to hear of it.
      body.on("error", () => undefined);
      body.destroy(closedMeanwhile());
    }
    await Promise.all(this.#copying);
    if (!this.#grew) return;
    this.#grew = false;
    const names = await readdir(this.#folder);
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#folder, name);
        const facts = await stat(path).catch(() => undefined);
        return { path, size: facts?.size ?? 0, used: facts?.mtimeMs ?? 0 };
      }),
    );
    let size = files.reduce((sum, file) => sum + file.size, 0);
    for (const file of files.sort((a, b) => a.used - b.used)) {
      if (size <= LARGEST_CACHE) return;
      await rm(file.path, { force: true });
      size -= file.size;
    }
  }

  /** The variants whose bodies are all there. */
  async #wholeOf(place: string, url: string): Promise<readonly Variant[]> {
    const variants = variantsIn(await readPrivate(place), url);
    const whole = await Promise.all(variants.map(({ body, size }) => isWhole(bodyOf(place, body), size)));
    return variants.filter((_one, at) => whole[at]);
  }

  async #describe(place: string, url: string, latest: Variant, asked: CachePolicy.Request): Promise<void> {
    const before = variantsIn(await readPrivate(place), url);
    const after = withVariant(before, latest, asked);
    await writePrivate(place, description(url, after));
    const inUse = new Set(after.map(({ body }) => body));
    for (const { body } of before) if (!inUse.has(body)) await rm(bodyOf(place, body), { force: true });
    await this.#touch(place, latest);
  }

  /** Used now: what was used longest ago makes room. */
  async #touch(place: string, { body }: Variant): Promise<void> {
    const now = new Date();
    await Promise.all(
      [place, bodyOf(place, body)].map((path) => utimes(path, now, now).catch(() => undefined)),
    );
  }

  #placeOf(url: string): string {
    return join(this.#folder, createHash("sha256").update(url).digest("hex"));
  }
}

interface Copying {
  readonly start: () => Promise<FileHandle>;
  readonly part: string;
  readonly whole: (size: number) => Promise<void>;
  readonly over: () => void;
}

/** What is read is written too. A body that ends early, or is left, is not kept. */
async function* copied(body: Readable, { start, part, whole, over }: Copying): AsyncGenerator<Buffer> {
  let size = 0;
  let ended = false;
  try {
    const handle = await start();
    try {
      const octets: AsyncIterable<Buffer> = body;
      for await (const piece of octets) {
        size += piece.length;
        if (size <= LARGEST_BODY) await handle.writeFile(piece);
        yield piece;
      }
      ended = size <= LARGEST_BODY;
    } finally {
      await handle.close();
      await (ended ? whole(size) : rm(part, { force: true }));
    }
  } catch (thrown) {
    throw isLocalFailure(thrown) ? localError(thrown, part) : thrown;
  } finally {
    over();
  }
}

async function isWhole(path: string, size: number): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.size === size;
}

function bodyOf(place: string, name: string): string {
  return `${place}.${name}.body`;
}

function responseOf(place: string, { body, reason }: Variant, policy: CachePolicy): HttpResponse {
  return {
    status: 200,
    reason,
    headers: headersOf(policy),
    body: createReadStream(bodyOf(place, body)),
    octets: () => 0,
  };
}

function conditionsOf(policy: CachePolicy, asked: CachePolicy.Request): Header[] {
  return Object.entries(policy.revalidationHeaders(asked))
    .filter(([name]) => /^if-(?:none-match|modified-since)$/.test(name))
    .map(([name, value]): Header => [name, String(value)]);
}

async function policyClass(): Promise<typeof CachePolicy> {
  return (await import("http-cache-semantics")).default;
}

function policyRequest({ method, headers }: Asked, url: string): CachePolicy.Request {
  return { method, url, headers: joined(headers) };
}

function policyResponse({ status, headers }: Pick<HttpResponse, "status" | "headers">) {
  return { status, headers: joined(headers) };
}

function joined(headers: readonly Header[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    // A kept answer sets no cookies a second time.
    if (key !== "set-cookie") found[key] = found[key] === undefined ? value : `${found[key]}, ${value}`;
  }
  return found;
}

function headersOf(policy: CachePolicy): Header[] {
  return Object.entries(policy.responseHeaders()).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): Header => [name, one]),
  );
}
