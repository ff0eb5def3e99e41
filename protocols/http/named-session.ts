/** A named session, as HTTPie has them: headers, cookies and login of one host, kept between runs. */
import { isAbsolute, join, resolve } from "node:path";
import { PortholeError } from "../../src/errors.js";
import type { Credentials, Target } from "../../src/plugin.js";
import { Cookies } from "./cookies.js";
import type { Header } from "./engine.js";
import type { StoredCookie } from "./netscape-jar.js";
import { readPrivate, writePrivate } from "./private-file.js";

/** About one body or one copy, and not for the next request. */
const PASSING_HEADER = /^(?:content-|if-|range$|host$|expect$|cookie$)/i;

interface Kept {
  readonly headers: readonly Header[];
  readonly cookies: readonly StoredCookie[];
  readonly credentials?: Credentials;
}

export class NamedSession {
  readonly cookies: Cookies;
  readonly #path: string;
  readonly #readOnly: boolean;
  #headers: readonly Header[];
  #credentials: Credentials | undefined;
  #changed = false;

  private constructor(path: string, kept: Kept, readOnly: boolean) {
    this.#path = path;
    this.#readOnly = readOnly;
    this.#headers = kept.headers;
    this.#credentials = kept.credentials;
    this.cookies = new Cookies(
      async () => kept.cookies,
      async () => {
        this.#changed = true;
      },
    );
  }

  /**
   * @param name a name, or a path when it has a slash
   * @param folder where named ones are kept
   * @throws PortholeError `usage` for a name that is none, `local` for a file that is no session
   */
  static async open(
    name: string,
    target: Target,
    folder: string | undefined,
    readOnly: boolean,
  ): Promise<NamedSession> {
    const path = placeOf(name, target, folder);
    const text = await readPrivate(path);
    return new NamedSession(path, text === undefined ? EMPTY : parse(text, path), readOnly);
  }

  /** Sent with every request. */
  get headers(): readonly Header[] {
    return this.#headers;
  }

  get credentials(): Credentials | undefined {
    return this.#credentials;
  }

  /** Keeps the headers of a request that are not about its body. */
  remember(headers: readonly Header[]): void {
    const lasting = headers.filter(([name]) => !PASSING_HEADER.test(name));
    if (lasting.length === 0) return;
    const names = new Set(lasting.map(([name]) => name.toLowerCase()));
    this.#headers = [...this.#headers.filter(([name]) => !names.has(name.toLowerCase())), ...lasting];
    this.#changed = true;
  }

  keep(credentials: Credentials): void {
    if (JSON.stringify(credentials) === JSON.stringify(this.#credentials)) return;
    this.#credentials = credentials;
    this.#changed = true;
  }

  async save(): Promise<void> {
    await this.cookies.save();
    if (!this.#changed || this.#readOnly) return;
    this.#changed = false;
    const content = {
      about: "a named session of porthole http",
      headers: this.#headers.map(([name, value]) => ({ name, value })),
      cookies: await this.cookies.all(),
      ...(this.#credentials === undefined ? {} : { auth: this.#credentials }),
    };
    await writePrivate(this.#path, `${JSON.stringify(content, null, 2)}\n`);
  }
}

const EMPTY: Kept = { headers: [], cookies: [] };

function placeOf(name: string, target: Target, folder: string | undefined): string {
  if (name.includes("/")) return isAbsolute(name) ? name : resolve(name);
  if (!/^[\w.-]{1,100}$/.test(name) || /^\.+$/.test(name)) {
    throw new PortholeError("usage", `'${name}' is no name for a session`, {
      hint: "letters, digits, '.', '-' and '_', or the path of a file with a slash in it",
    });
  }
  if (folder === undefined) {
    throw new PortholeError("usage", "there is no folder for named sessions", {
      hint: "give the path of a file",
    });
  }
  // Colons of IPv6 are no character for names on every system.
  const host = `${target.host.replace(/[^\w.-]/g, "_")}_${target.port}`;
  return join(folder, "http-sessions", host, `${name}.json`);
}

function parse(text: string, path: string): Kept {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw noSession(path);
  }
  if (!isRecord(value)) throw noSession(path);
  const { headers, cookies, auth } = value;
  return {
    headers: records(headers).flatMap(({ name, value: content }) =>
      typeof name === "string" && typeof content === "string" ? [[name, content] as const] : [],
    ),
    cookies: records(cookies).flatMap(cookieOf),
    ...(isRecord(auth) && typeof auth["user"] === "string" && typeof auth["password"] === "string"
      ? {
          credentials: {
            user: auth["user"],
            password: auth["password"],
            kind: auth["kind"] === "token" ? ("token" as const) : ("password" as const),
          },
        }
      : {}),
  };
}

function cookieOf(record: Readonly<Record<string, unknown>>): StoredCookie[] {
  const { name, value, domain, path, hostOnly, secure, httpOnly, expires } = record;
  if (typeof name !== "string" || typeof value !== "string" || typeof domain !== "string") return [];
  const until = new Date(typeof expires === "string" ? expires : Number.NaN);
  return [
    {
      name,
      value,
      domain,
      path: typeof path === "string" ? path : "/",
      hostOnly: hostOnly === true,
      secure: secure === true,
      httpOnly: httpOnly === true,
      ...(Number.isNaN(until.getTime()) ? {} : { expires: until }),
    },
  ];
}

function records(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function noSession(path: string): PortholeError {
  return new PortholeError("local", `${path}: is no named session`, {
    hint: "remove it, or give another --session",
  });
}
