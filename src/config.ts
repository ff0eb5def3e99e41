/** The configuration file: defaults, options by protocol, accounts; and which value holds where several are given. */
// Reached through node:fs, which is loaded anyway: node:fs/promises takes 5 ms, and mostly there is no file.
import { existsSync, promises as files } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { isExposed } from "./auth/file-mode.js";
import { localError, PortholeError, systemCode } from "./errors.js";
import type { OptionSpec, Options, OptionValue } from "./plugin.js";
import { nearest } from "./spelling.js";
import { type PortholeUrl, parseUrl } from "./url.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Which options there are: shared ones, and by protocol name those that it declares. */
export interface ConfigSchema {
  readonly shared: readonly OptionSpec[];
  readonly protocols: Readonly<Record<string, readonly OptionSpec[]>>;
}

/** A value and the place it stands at: `/home/me/.config/porthole/config.toml:7`. */
export interface ConfigValue {
  readonly value: OptionValue;
  readonly source: string;
}

export type ConfigValues = ReadonlyMap<string, ConfigValue>;

export interface Account {
  readonly name: string;
  readonly url: string;
  readonly password?: string;
  readonly passwordCommand?: string;
  readonly oauth2TokenCommand?: string;
  /** `file:line` of its table. */
  readonly source: string;
}

export interface Config {
  /** Where the file is, or would be. Undefined with `--no-config`. */
  readonly path: string | undefined;
  readonly found: boolean;
  /** What the user should know: a password that others can read. */
  readonly warnings: readonly string[];
  readonly defaults: ConfigValues;
  readonly protocols: ReadonlyMap<string, ConfigValues>;
  readonly accounts: ReadonlyMap<string, Account>;
}

export interface ConfigRequest {
  readonly schema: ConfigSchema;
  readonly environment: Environment;
  /** `--config FILE`: must be there. */
  readonly file?: string | undefined;
  /** `--no-config`. */
  readonly disabled?: boolean;
}

/** `$XDG_CONFIG_HOME/porthole/config.toml`, `~/.config` when that is not set (XDG Base Directory Specification). */
export function usualConfigPath(environment: Environment): string {
  const home = environment["HOME"] ?? homedir();
  const folder = environment["XDG_CONFIG_HOME"];
  // The specification has relative paths ignored.
  return join(folder?.startsWith("/") ? folder : join(home, ".config"), "porthole", "config.toml");
}

/**
 * Reads the configuration; an empty one when there is no file.
 * @throws PortholeError `usage` for what is wrong in it, with its line; `local` when it cannot be read
 */
export async function loadConfig(request: ConfigRequest): Promise<Config> {
  if (request.disabled) return emptyConfig(undefined);
  const path = request.file ?? usualConfigPath(request.environment);
  const file = await readConfig(path);
  if (file === undefined) {
    if (request.file === undefined) return emptyConfig(path);
    throw new PortholeError("local", `${path}: no such file or folder`, { hint: "--config names the file" });
  }
  const { parseConfig } = await import("./config-file.js");
  const config = { path, found: true, ...parseConfig(file.text, path, request.schema) };
  const holdsPassword = [...config.accounts.values()].some((account) => hasPassword(account));
  const warnings =
    holdsPassword && isExposed(file.mode)
      ? [`${path} holds a password and others can read it: chmod 600 it`]
      : [];
  return { ...config, warnings };
}

function hasPassword(account: Account): boolean {
  return account.password !== undefined || parseUrl(account.url).password !== undefined;
}

function emptyConfig(path: string | undefined): Config {
  return { path, found: false, warnings: [], defaults: new Map(), protocols: new Map(), accounts: new Map() };
}

/** Octets; a configuration is a few pages. */
const LONGEST = 1024 * 1024;

async function readConfig(path: string): Promise<{ text: string; mode: number } | undefined> {
  try {
    if (!existsSync(path)) return undefined;
    await using file = await files.open(path, "r");
    const { mode, size } = await file.stat();
    if (size > LONGEST) throw new PortholeError("usage", `${path} is too large for a configuration file`);
    return { text: await file.readFile("utf8"), mode };
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT" || systemCode(thrown) === "ENOTDIR") return undefined;
    throw localError(thrown, path);
  }
}

/** The account whose URL names the same scheme, host, port and, where both say one, user. */
export function accountFor(config: Config, url: PortholeUrl): Account | undefined {
  return [...config.accounts.values()].find((account) => {
    const own = parseUrl(account.url);
    return (
      own.scheme === url.scheme &&
      own.host === url.host &&
      own.port === url.port &&
      (own.user === undefined || url.user === undefined || own.user === url.user)
    );
  });
}

const ENVIRONMENT = "PORTHOLE_";

/** The environment's name for a flag: `PORTHOLE_CONNECT_TIMEOUT`. */
export function environmentName(flag: string): string {
  return `${ENVIRONMENT}${flag.toUpperCase().replaceAll("-", "_")}`;
}

/** One option and where its value came from. */
export interface Effective {
  readonly key: string;
  readonly value: OptionValue;
  /** `flag`, `environment PORTHOLE_X`, `file:line`, or `default`. */
  readonly source: string;
}

export interface EffectiveRequest {
  readonly schema: ConfigSchema;
  readonly config: Config;
  readonly environment: Environment;
  /** What the command line said; flags it left out are absent or undefined. */
  readonly flags: Options;
  /** Adds this protocol's options, and lets its section overrule `[defaults]`. */
  readonly protocol?: string | undefined;
}

/**
 * Every option's value: from the flag, else the environment, else the protocol's section, else `[defaults]`.
 * @throws PortholeError `usage` when the environment holds what the option cannot be
 */
export function effective(request: EffectiveRequest): Effective[] {
  const ours = isInEnvironment(request.environment);
  return optionsOf(request).map((option) => {
    const given = givenTo(option, request, ours);
    return { key: option.flag, ...(given ?? { value: undefined, source: "default" }) };
  });
}

/** The same as options by flag, those without a value left out. */
export function effectiveOptions(request: EffectiveRequest): Options {
  const ours = isInEnvironment(request.environment);
  const options: Record<string, OptionValue> = {};
  for (const option of optionsOf(request)) {
    const given = givenTo(option, request, ours);
    if (given !== undefined) options[option.flag] = given.value;
  }
  return options;
}

function optionsOf({ schema, protocol }: EffectiveRequest): readonly OptionSpec[] {
  const own = protocol === undefined ? undefined : schema.protocols[protocol];
  return own === undefined ? schema.shared : [...schema.shared, ...own];
}

/** Mostly there is nothing of ours in it, which one look tells; to ask it for each option takes its time. */
function isInEnvironment(environment: Environment): boolean {
  return Object.keys(environment).some((name) => name.startsWith(ENVIRONMENT));
}

/**
 * What an option was given, if it was.
 * @param ours the environment has something for Porthole
 * @throws PortholeError `usage`
 */
function givenTo(option: OptionSpec, request: EffectiveRequest, ours: boolean): ConfigValue | undefined {
  const { config, environment, flags, protocol } = request;
  const key = option.flag;
  if (flags[key] !== undefined) return { value: flags[key], source: "flag" };
  if (ours) {
    const name = environmentName(key);
    const text = environment[name];
    if (text !== undefined)
      return { value: valueFromText(option, text, name), source: `environment ${name}` };
  }
  const section = protocol === undefined ? undefined : config.protocols.get(protocol);
  return section?.get(key) ?? config.defaults.get(key);
}

function valueFromText(option: OptionSpec, text: string, where: string): OptionValue {
  switch (option.type) {
    case "boolean":
      if (/^(?:1|true|yes|on)$/i.test(text)) return true;
      if (/^(?:0|false|no|off|)$/i.test(text)) return false;
      throw wrongValue(where, "is 1 or 0");
    case "number":
    case "count":
      if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
      throw wrongValue(where, "is a number");
    case "list":
      return text.split(",").map((item) => item.trim());
    default:
      return checkChoice(option, text, where);
  }
}

/** A value of the file, held against what the option takes. @throws PortholeError `usage` */
export function checkValue(option: OptionSpec, value: unknown, where: string): OptionValue {
  switch (option.type) {
    case "boolean":
      if (typeof value === "boolean") return value;
      throw wrongValue(where, "is true or false");
    case "number":
    case "count":
      if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
      throw wrongValue(where, "is a number");
    case "list":
      if (typeof value === "string") return [value];
      if (Array.isArray(value) && value.every((item): item is string => typeof item === "string"))
        return value;
      throw wrongValue(where, "is a list of texts");
    default:
      if (option.type === "optional" && typeof value === "boolean") return value;
      if (typeof value === "string") return checkChoice(option, value, where);
      throw wrongValue(where, "is a text, in quotes");
  }
}

function checkChoice(option: OptionSpec, value: string, where: string): string {
  if (option.choices === undefined || option.choices.includes(value)) return value;
  const guess = nearest(value, option.choices);
  throw new PortholeError("usage", `${where}: '${value}' is none of ${option.choices.join(", ")}`, {
    hint: guess === undefined ? undefined : `did you mean ${guess}?`,
  });
}

function wrongValue(where: string, what: string): PortholeError {
  return new PortholeError("usage", `${where}: the value ${what}`);
}
