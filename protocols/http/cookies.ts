/** Cookies (RFC 6265) between requests: tough-cookie decides which go where, public suffixes honoured. */
import type { CookieJar } from "tough-cookie";
import { formatNetscapeJar, parseNetscapeJar, type StoredCookie } from "./netscape-jar.js";
import { readPrivate, writePrivate } from "./private-file.js";
import type { CookieKeeper } from "./requester.js";

/** Browsers keep as many for one host (RFC 6265, 6.1 asks for 50 at least); a server could send any number. */
const MOST_COOKIES = 3000;
/** Octets of one Set-Cookie (RFC 6265, 6.1). */
const LONGEST_COOKIE = 8192;

export class Cookies implements CookieKeeper {
  readonly #stored: () => Promise<readonly StoredCookie[]>;
  readonly #write: (cookies: readonly StoredCookie[]) => Promise<void>;
  /** What was stored, while nothing has asked for more: then the package is not even loaded. */
  #known: readonly StoredCookie[] | undefined;
  #jar: CookieJar | undefined;
  #changed = false;

  constructor(
    stored: () => Promise<readonly StoredCookie[]>,
    write: (cookies: readonly StoredCookie[]) => Promise<void>,
  ) {
    this.#stored = stored;
    this.#write = write;
  }

  /** In a file of Netscape's form; it need not exist yet. */
  static inFile(path: string): Cookies {
    return new Cookies(
      async () => parseNetscapeJar((await readPrivate(path)) ?? ""),
      (cookies) => writePrivate(path, formatNetscapeJar(cookies)),
    );
  }

  async headerFor(url: string): Promise<string | undefined> {
    this.#known ??= await this.#stored();
    if (this.#known.length === 0 && this.#jar === undefined) return undefined;
    const value = await (await this.#open()).getCookieString(url);
    return value === "" ? undefined : value;
  }

  async take(url: string, values: readonly string[]): Promise<void> {
    const jar = await this.#open();
    for (const value of values.slice(0, MOST_COOKIES)) {
      if (value.length > LONGEST_COOKIE || /^[\s;=]*$/.test(value)) continue;
      // Cookies for others, and malformed ones, are not kept: a server's affair, no failure of the request.
      const kept = await jar.setCookie(value, url, { ignoreError: true });
      if (kept !== undefined) this.#changed = true;
    }
  }

  /** Those that have not expired. */
  async all(): Promise<readonly StoredCookie[]> {
    this.#known ??= await this.#stored();
    if (this.#jar === undefined) return this.#known;
    const { cookies } = await this.#jar.serialize();
    const now = Date.now();
    return cookies.slice(-MOST_COOKIES).flatMap((cookie) => {
      const { key = "", value = "", domain, path, expires, secure, httpOnly, hostOnly } = cookie;
      if (typeof domain !== "string") return [];
      const until = expiryOf(expires, cookie.maxAge, cookie.creation);
      if (until !== undefined && until.getTime() <= now) return [];
      return [
        {
          name: key,
          value,
          domain,
          hostOnly: hostOnly === true,
          path: typeof path === "string" ? path : "/",
          secure: secure === true,
          httpOnly: httpOnly === true,
          ...(until === undefined ? {} : { expires: until }),
        },
      ];
    });
  }

  async save(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    await this.#write(await this.all());
  }

  async #open(): Promise<CookieJar> {
    if (this.#jar !== undefined) return this.#jar;
    this.#known ??= await this.#stored();
    const { Cookie, CookieJar: Jar } = await import("tough-cookie");
    const jar = new Jar(undefined, { looseMode: true, rejectPublicSuffixes: true });
    for (const { name, expires, ...rest } of this.#known) {
      // What stands in the file was let in once already, and has no URL to be checked against.
      await jar.store.putCookie(
        new Cookie({ ...rest, key: name, pathIsDefault: false, expires: expires ?? "Infinity" }),
      );
    }
    this.#jar ??= jar;
    return this.#jar;
  }
}

function expiryOf(expires: unknown, maxAge: unknown, creation: unknown): Date | undefined {
  // RFC 6265, 4.1.2.2: Max-Age has precedence.
  if (typeof maxAge === "number") {
    const from = typeof creation === "string" ? Date.parse(creation) : Date.now();
    return new Date(from + maxAge * 1000);
  }
  if (typeof expires !== "string" || expires === "Infinity") return undefined;
  const date = new Date(expires);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
