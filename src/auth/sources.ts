/** Where a user name and a password come from, in the order of docs/cli.md, "Credentials". */
import { homedir } from "node:os";
import { join } from "node:path";
import { PortholeError } from "../errors.js";
import type { CredentialRequest, Credentials, Target } from "../plugin.js";
import { keyringPassword } from "./keyring.js";
import { lookUp, type NetrcEntry, readNetrc } from "./netrc.js";
import { secretFromShell } from "./secret-command.js";

/** What the configuration file says about a place. */
export interface AccountSecrets {
  readonly user?: string;
  readonly password?: string;
  readonly passwordCommand?: string;
  readonly oauth2TokenCommand?: string;
}

/** Asks a person. `hidden`: nothing of the answer is shown. Undefined: nobody there, or no answer. */
export type Ask = (question: string, hidden: boolean) => Promise<string | undefined>;

export interface CredentialSettings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `linux`, `darwin`, ...: which keyring there may be. */
  readonly platform: string;
  /** `-u USER[:PASS]`. */
  readonly user?: string;
  /** `--password-command`. */
  readonly passwordCommand?: string;
  /** `--oauth2-token-command`. */
  readonly oauth2TokenCommand?: string;
  /** A file, which must be there; true: the usual one, which must be there; undefined: the usual one, if there; false: none. */
  readonly netrc?: string | boolean;
  readonly account?: (target: Target) => AccountSecrets | undefined;
  readonly ask?: Ask;
  readonly warn?: (text: string) => void;
  readonly signal?: AbortSignal;
}

type Nameless = NonNullable<CredentialRequest["nameless"]>;

/** What the silent sources say. */
interface Known {
  readonly user: string | undefined;
  readonly credentials: Credentials | undefined;
}

/** One run's credentials: each source is asked at most once for each user and host. */
export class CredentialSources {
  readonly #settings: CredentialSettings;
  readonly #known = new Map<string, Promise<Known>>();
  readonly #asked = new Map<string, Promise<Credentials | undefined>>();
  #netrc: Promise<readonly NetrcEntry[]> | undefined;

  constructor(settings: CredentialSettings) {
    this.#settings = settings;
  }

  /**
   * What to log in with, or undefined when nothing says. A person is asked only when `mayAsk`.
   * @throws PortholeError `auth` when a command that should print the secret fails
   */
  readonly find = async (
    target: Target,
    mayAsk: boolean,
    nameless?: Nameless,
  ): Promise<Credentials | undefined> => {
    const { scheme, user: typed } = target.url;
    const key = JSON.stringify([scheme, typed ?? null, target.host, target.port, nameless ?? null]);
    const { user, credentials } = await once(this.#known, key, () => this.#search(target, nameless));
    if (credentials !== undefined || !mayAsk) return credentials;
    return once(this.#asked, key, () => this.#askPerson(target, user, nameless));
  };

  async #search(target: Target, nameless: Nameless | undefined): Promise<Known> {
    const given = splitUser(this.#settings.user);
    const account = this.#settings.account?.(target);
    const user = given?.user ?? target.url.user ?? account?.user ?? (await this.#netrcEntry(target))?.login;
    if (user === undefined || user === "") {
      const secret =
        nameless === undefined || nameless === "certificate"
          ? undefined
          : await this.#namelessSecret(nameless, given, account);
      return { user: undefined, credentials: secret };
    }
    if (nameless === "certificate") return { user, credentials: { user, password: "", kind: "password" } };
    if (given?.password !== undefined) {
      return { user, credentials: { user, password: given.password, kind: "password" } };
    }
    return { user, credentials: await this.#secret(target, user) };
  }

  async #namelessSecret(
    nameless: Exclude<Nameless, "certificate">,
    given: { password?: string } | undefined,
    account: AccountSecrets | undefined,
  ): Promise<Credentials | undefined> {
    const token = await this.#token(account);
    if (token !== undefined) return { user: "", password: token, kind: "token" };
    if (nameless === "token") return undefined;
    const password = given?.password ?? (await this.#passwordOfAnyone(account));
    return password === undefined ? undefined : { user: "", password, kind: "token" };
  }

  async #askPerson(
    target: Target,
    known: string | undefined,
    nameless: Nameless | undefined,
  ): Promise<Credentials | undefined> {
    const { ask } = this.#settings;
    if (known === undefined && nameless === "secret") {
      const token = await ask?.(`Token for ${target.host}: `, true);
      return token === undefined || token === "" ? undefined : { user: "", password: token, kind: "token" };
    }
    const user = known ?? (await ask?.(`User for ${target.host}: `, false));
    if (user === undefined || user === "") return undefined;
    const silent = known === undefined ? await this.#secret(target, user) : undefined;
    if (silent !== undefined) return silent;
    const password = await ask?.(`Password for ${user} at ${target.host}: `, true);
    return password === undefined ? undefined : { user, password, kind: "password" };
  }

  async #secret(target: Target, user: string): Promise<Credentials | undefined> {
    const account = this.#settings.account?.(target);
    const token = await this.#token(account);
    if (token !== undefined) return { user, password: token, kind: "token" };
    const password = await this.#password(target, user, account);
    return password === undefined ? undefined : { user, password, kind: "password" };
  }

  async #token(account: AccountSecrets | undefined): Promise<string | undefined> {
    const { oauth2TokenCommand } = this.#settings;
    if (oauth2TokenCommand !== undefined) return this.#run(oauth2TokenCommand, "--oauth2-token-command");
    if (account?.oauth2TokenCommand === undefined) return undefined;
    return this.#run(account.oauth2TokenCommand, "the account's oauth2-token-command");
  }

  async #password(
    target: Target,
    user: string,
    account: AccountSecrets | undefined,
  ): Promise<string | undefined> {
    const { environment, platform, signal } = this.#settings;
    // A password belongs to the user it stands beside.
    if (target.url.password !== undefined && target.url.user === user) return target.url.password;
    const theirs = account?.user === undefined || account.user === user ? account : undefined;
    const anyones = await this.#passwordOfAnyone(theirs);
    if (anyones !== undefined) return anyones;
    const entry = await this.#netrcEntry(target, user);
    if (entry?.password !== undefined) return entry.password;
    return keyringPassword(
      { scheme: target.url.scheme, host: target.host, user },
      environment,
      platform,
      signal,
    );
  }

  /** What stands beside no user name. */
  async #passwordOfAnyone(account: AccountSecrets | undefined): Promise<string | undefined> {
    const { passwordCommand, environment } = this.#settings;
    if (passwordCommand !== undefined) return this.#run(passwordCommand, "--password-command");
    if (account?.password !== undefined) return account.password;
    if (account?.passwordCommand !== undefined) {
      return this.#run(account.passwordCommand, "the account's password-command");
    }
    return environment["PORTHOLE_PASSWORD"];
  }

  async #netrcEntry(target: Target, user?: string): Promise<NetrcEntry | undefined> {
    this.#netrc ??= this.#readNetrc();
    return lookUp(await this.#netrc, target.host, user);
  }

  #run(command: string, what: string): Promise<string> {
    const { environment, signal } = this.#settings;
    return secretFromShell(command, { what, environment, ...(signal === undefined ? {} : { signal }) });
  }

  async #readNetrc(): Promise<readonly NetrcEntry[]> {
    const { netrc, environment, warn } = this.#settings;
    if (netrc === false) return [];
    const usual = environment["NETRC"] ?? join(environment["HOME"] ?? homedir(), ".netrc");
    const path = typeof netrc === "string" && netrc !== "" ? netrc : usual;
    const file = await readNetrc(path);
    if (file?.warning !== undefined) warn?.(file.warning);
    if (file === undefined && netrc !== undefined) {
      throw new PortholeError("local", `${path}: no such file or folder`, {
        hint: "--netrc=FILE names another",
      });
    }
    return file?.entries ?? [];
  }
}

/** `-u USER[:PASS]`: the first colon parts them; an empty password is one. */
function splitUser(given: string | undefined): { user: string; password?: string } | undefined {
  if (given === undefined) return undefined;
  const colon = given.indexOf(":");
  return colon < 0 ? { user: given } : { user: given.slice(0, colon), password: given.slice(colon + 1) };
}

function once<T>(memory: Map<string, Promise<T>>, key: string, find: () => Promise<T>): Promise<T> {
  const found = memory.get(key) ?? find();
  memory.set(key, found);
  return found;
}
