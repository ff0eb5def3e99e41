/** The configuration file's text: `[defaults]`, a table for each protocol, `[accounts.NAME]`. */
import { parse, TomlError } from "smol-toml";
import { type Account, type Config, type ConfigSchema, type ConfigValue, checkValue } from "./config.js";
import { PortholeError } from "./errors.js";
import type { OptionSpec } from "./plugin.js";
import { nearest } from "./spelling.js";
import { parseUrl } from "./url.js";

const ACCOUNT_KEYS = ["url", "password", "password-command", "oauth2-token-command"] as const;

/**
 * @param path for messages and sources
 * @throws PortholeError `usage` naming the line, and the nearest right spelling of an unknown key
 */
export function parseConfig(
  text: string,
  path: string,
  schema: ConfigSchema,
): Pick<Config, "defaults" | "protocols" | "accounts"> {
  const reader = new ConfigReader(text, path);
  const tables = reader.parse();
  const names = ["defaults", "accounts", ...Object.keys(schema.protocols)];
  const protocols = new Map<string, ReadonlyMap<string, ConfigValue>>();
  for (const [name, table] of Object.entries(tables)) {
    const own = schema.protocols[name];
    if (own !== undefined) protocols.set(name, reader.options([name], table, [...schema.shared, ...own]));
    else if (!names.includes(name)) throw reader.unknown([], name, names, "section");
  }
  return {
    defaults: reader.options(["defaults"], tables["defaults"] ?? {}, schema.shared),
    protocols,
    accounts: reader.accounts(tables["accounts"] ?? {}),
  };
}

class ConfigReader {
  readonly #text: string;
  readonly #path: string;

  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
  }

  parse(): Record<string, unknown> {
    try {
      return parse(this.#text, { unsafeKeyBehaviour: "throw" });
    } catch (thrown) {
      if (!(thrown instanceof TomlError)) throw thrown;
      // The first line says what is wrong; the rest quotes the file, which may hold a password.
      const [what = ""] = thrown.message.replace(/^Invalid TOML document: /, "").split("\n");
      throw new PortholeError("usage", `${this.#path}:${thrown.line}: ${what}`);
    }
  }

  options(
    section: readonly string[],
    table: unknown,
    specs: readonly OptionSpec[],
  ): ReadonlyMap<string, ConfigValue> {
    const values = new Map<string, ConfigValue>();
    for (const [key, value] of this.#entries(section, table)) {
      const spec = specs.find((option) => option.flag === key);
      if (spec === undefined)
        throw this.unknown(
          section,
          key,
          specs.map((option) => option.flag),
          "option",
        );
      const source = this.#where(section, key);
      values.set(key, { value: checkValue(spec, value, `${source}: ${key}`), source });
    }
    return values;
  }

  accounts(table: unknown): ReadonlyMap<string, Account> {
    return new Map(
      this.#entries(["accounts"], table).map(([name, value]) => [name, this.#account(name, value)] as const),
    );
  }

  #account(name: string, table: unknown): Account {
    const section = ["accounts", name];
    const texts = new Map<string, string>();
    for (const [key, value] of this.#entries(section, table)) {
      if (!ACCOUNT_KEYS.some((known) => known === key)) throw this.unknown(section, key, ACCOUNT_KEYS, "key");
      if (typeof value !== "string") {
        throw new PortholeError(
          "usage",
          `${this.#where(section, key)}: ${key}: the value is a text, in quotes`,
        );
      }
      texts.set(key, value);
    }
    const source = this.#where(["accounts"], name);
    const url = texts.get("url");
    if (url === undefined) {
      throw new PortholeError("usage", `${source}: the account '${name}' has no url`, {
        hint: 'write url = "imaps://me@mail.example.org/"',
      });
    }
    parseUrl(url);
    const password = texts.get("password");
    const passwordCommand = texts.get("password-command");
    const oauth2TokenCommand = texts.get("oauth2-token-command");
    return {
      name,
      url,
      source,
      ...(password === undefined ? {} : { password }),
      ...(passwordCommand === undefined ? {} : { passwordCommand }),
      ...(oauth2TokenCommand === undefined ? {} : { oauth2TokenCommand }),
    };
  }

  unknown(section: readonly string[], key: string, known: readonly string[], what: string): PortholeError {
    const guess = nearest(key, known);
    const within = section.length === 0 ? "" : ` in [${section.join(".")}]`;
    return new PortholeError("usage", `${this.#where(section, key)}: unknown ${what} '${key}'${within}`, {
      hint: guess === undefined ? "`porthole config` lists those there are" : `did you mean ${guess}?`,
    });
  }

  #entries(section: readonly string[], table: unknown): [string, unknown][] {
    if (typeof table === "object" && table !== null && !Array.isArray(table) && !(table instanceof Date)) {
      return Object.entries(table);
    }
    const [key = ""] = section.slice(-1);
    throw new PortholeError("usage", `${this.#where(section.slice(0, -1), key)}: '${key}' is a section`, {
      hint: `write [${section.join(".")}] and what belongs to it below`,
    });
  }

  #where(section: readonly string[], key: string): string {
    return `${this.#path}:${lineOf(this.#text, [...section, key])}`;
  }
}

/**
 * The line, from 1, where a key or table is first written; the parser does not tell. A key in an inline table
 * is found at the line of that table.
 */
export function lineOf(text: string, keys: readonly string[]): number {
  let section: string[] = [];
  let nearestLine = 1;
  let depth = 0;
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[\[?\s*(.+?)\s*\]\]?\s*(?:#.*)?$/.exec(line)?.[1];
    const assigned = /^\s*([^=#]+?)\s*=/.exec(line)?.[1];
    if (header !== undefined) section = keyParts(header);
    if (header === undefined && assigned === undefined) continue;
    const written = header === undefined ? [...section, ...keyParts(assigned ?? "")] : section;
    const shared = commonLength(written, keys);
    if (shared === keys.length) return index + 1;
    if (shared === written.length && shared > depth) [nearestLine, depth] = [index + 1, shared];
  }
  return nearestLine;
}

/** `accounts."my.work"` in its parts. */
function keyParts(dotted: string): string[] {
  return [...dotted.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s.]+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}

function commonLength(one: readonly string[], other: readonly string[]): number {
  let length = 0;
  while (length < one.length && length < other.length && one[length] === other[length]) length += 1;
  return length;
}
