/** The credentials of this run: options, accounts, files, and a person at the terminal. */
import type { CredentialLookup } from "../client.js";
import { accountFor, type Config } from "../config.js";
import { PortholeError } from "../errors.js";
import type { Options } from "../plugin.js";
import { nearest } from "../spelling.js";
import type { AccountUrl } from "../target.js";
import { parseUrl } from "../url.js";
import type { Surroundings } from "./run.js";
import type { Terminal } from "./terminal.js";

/**
 * Where `@name` leads.
 * @returns a look-up that throws PortholeError `usage` with the nearest right spelling
 */
export function accountUrls(config: Config): AccountUrl {
  return (name) => {
    const known = config.accounts.get(name)?.url;
    const guess = known === undefined ? nearest(name, config.accounts.keys()) : undefined;
    if (guess === undefined) return known;
    throw new PortholeError("usage", `there is no account '${name}' in the configuration`, {
      hint: `did you mean @${guess}?`,
    });
  };
}

/** What to say to somebody who typed a password into a URL. */
export function passwordWarnings(words: readonly string[]): string[] {
  if (!words.some(holdsPassword)) return [];
  return [
    "a password in a URL stays in the shell's history - leave it out and it is asked for, or use --password-command",
  ];
}

function holdsPassword(word: string): boolean {
  if (!word.includes("@") || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(word)) return false;
  try {
    return parseUrl(word).password !== undefined;
  } catch {
    // Said where the URL is used.
    return false;
  }
}

export interface CredentialWiring {
  readonly options: Options;
  readonly config: Config;
  readonly terminal: Terminal;
  readonly surroundings: Surroundings;
  readonly signal: AbortSignal;
}

/** Loads the sources when a server first asks: a page without login reads no netrc. */
export function credentialLookup(wiring: CredentialWiring): CredentialLookup {
  let loaded: Promise<CredentialLookup> | undefined;
  return async (target, mayAsk, nameless) => {
    loaded ??= load(wiring);
    return (await loaded)(target, mayAsk, nameless);
  };
}

async function load({
  options,
  config,
  terminal,
  surroundings,
  signal,
}: CredentialWiring): Promise<CredentialLookup> {
  const [{ CredentialSources }, { askPerson }] = await Promise.all([
    import("../auth/sources.js"),
    import("./prompt.js"),
  ]);
  const text = (flag: string) => (typeof options[flag] === "string" ? options[flag] : undefined);
  const user = text("user");
  const passwordCommand = text("password-command");
  const oauth2TokenCommand = text("oauth2-token-command");
  const netrc = text("netrc");
  const sources = new CredentialSources({
    environment: surroundings.environment,
    platform: surroundings.platform,
    ...(user === undefined ? {} : { user }),
    ...(passwordCommand === undefined ? {} : { passwordCommand }),
    ...(oauth2TokenCommand === undefined ? {} : { oauth2TokenCommand }),
    ...(netrc === undefined ? {} : { netrc: netrc === "" ? true : netrc }),
    account: (target) => {
      const account = accountFor(config, target.url);
      if (account === undefined) return undefined;
      const own = parseUrl(account.url);
      return { ...account, ...(own.user === undefined ? {} : { user: own.user }) };
    },
    ask: (question, hidden) => {
      terminal.clearStatus();
      return askPerson(question, { hidden, signal });
    },
    warn: (line) => terminal.warn(line),
    signal,
  });
  return sources.find;
}
