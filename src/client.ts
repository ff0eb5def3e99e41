/**
 * One run of Porthole: one dialer, one transcript, one set of credentials and options, any number of
 * sessions. The command line makes one; `connect()` of the library makes one.
 */
import { mayTravel } from "./auth/plaintext.js";
import { PortholeError } from "./errors.js";
import type { Connection } from "./net/connection.js";
import { Dialer } from "./net/dialer.js";
import { resolveHost, resolveMailHosts } from "./net/resolve.js";
import type { NetworkSettings } from "./net/settings.js";
import { Transcript } from "./net/transcript.js";
import type {
  Context,
  CredentialRequest,
  Credentials,
  Manifest,
  Options,
  Plugin,
  Policy,
  Progress,
  Session,
  Target,
  Verb,
} from "./plugin.js";
import { Registry } from "./registry.js";
import { labelled, supervise } from "./session.js";
import { type AccountUrl, resolveTarget } from "./target.js";

/** Where credentials for a target come from; `required` says that a person may be asked. */
export type CredentialLookup = (
  target: Target,
  required: boolean,
  nameless?: CredentialRequest["nameless"],
) => Promise<Credentials | undefined>;

export interface ClientSettings {
  readonly network?: Partial<NetworkSettings>;
  readonly policy?: Partial<Policy>;
  /** Options of the protocols, by flag (`{ "max-redirects": 5 }`), or by protocol name where they differ. */
  readonly options?: Options | ((protocol: string) => Options);
  readonly credentials?: CredentialLookup;
  readonly accountUrl?: AccountUrl;
  /** For what other programs have set there: the usual server of a scheme (NNTPSERVER). Absent: nothing is. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly registry?: Registry;
  readonly transcript?: Transcript;
  /** Ends everything that is under way. */
  readonly signal?: AbortSignal;
  /** Where protocols keep what outlives a run (named HTTP sessions); absent: nowhere. */
  readonly stateFolder?: string;
  readonly progress?: (report: Progress) => void;
  readonly warn?: (text: string) => void;
  /** The person's yes or no; absent where nobody can be asked. */
  readonly confirm?: (question: string) => Promise<boolean>;
  /** What `-` stands for in options that name a file: all of it, the same each time. */
  readonly standardInput?: () => Promise<Uint8Array>;
  readonly observer?: ClientObserver;
}

/** Keeps sessions that have done one thing, for the next. */
export interface SessionKeeper {
  /**
   * One that may be asked for what is at the target, the taker's alone until it is given back or lost: one that is free, or
   * that `open` opens, or, where the server lets no more in, the next one that comes back.
   * @throws what `open` throws, when no other is in use
   */
  take(target: Target, open: () => Promise<Session>): Promise<Session>;
  /** @returns whether it is kept; the giver closes it otherwise */
  give(target: Target, session: Session): boolean;
  /** One that was taken has failed, and is no more. */
  lost(target: Target): void;
}

/** Sees what sessions do on their way: for verbs that tell about the way itself. */
export interface ClientObserver {
  /** A connection is there; TLS may be started on it later. */
  dialed(connection: Connection): void;
  /** Something to log in with was found, and may be sent. */
  credentials(): void;
}

const DEFAULT_POLICY: Policy = {
  starttls: undefined,
  allowPlaintextAuth: false,
  authMechanism: undefined,
  retries: 0,
  jobs: 1,
};

export class Client {
  readonly registry: Registry;
  readonly transcript: Transcript;
  readonly signal: AbortSignal;
  readonly policy: Policy;
  readonly #dialer: Dialer;
  readonly #settings: ClientSettings;

  constructor(settings: ClientSettings = {}) {
    this.#settings = settings;
    this.registry = settings.registry ?? new Registry();
    this.transcript = settings.transcript ?? new Transcript();
    this.signal = settings.signal ?? new AbortController().signal;
    this.policy = { ...DEFAULT_POLICY, ...settings.policy };
    this.#dialer = new Dialer(settings.network, this.transcript);
  }

  /** @throws PortholeError `usage` when the text is no URL of a known scheme */
  target(url: string): Target {
    const { accountUrl = noAccounts, environment } = this.#settings;
    return resolveTarget(url, this.registry, accountUrl, (protocol, usual) => {
      const chosen = this.#optionsOf(protocol)[usual.option];
      return typeof chosen === "string" ? chosen : environment?.[usual.environment];
    });
  }

  /** A client that differs from this one in these settings, and shares its transcript. */
  with(changes: ClientSettings): Client {
    const { network, policy, ...others } = this.#settings;
    const tls = { ...network?.tls, ...changes.network?.tls };
    return new Client({
      ...others,
      transcript: this.transcript,
      signal: this.signal,
      ...changes,
      network: { ...network, ...changes.network, tls },
      policy: { ...policy, ...changes.policy },
    });
  }

  /** The addresses of a target's host, in the order in which they are tried. @throws PortholeError `resolve` */
  async addressesOf(target: Target, signal: AbortSignal = this.signal): Promise<string[]> {
    const addresses = await resolveHost(target.host, target.port, this.#dialer.settings, signal);
    return addresses.map(({ address }) => address);
  }

  manifestOf(target: Target): Manifest {
    const manifest = this.registry.named(target.protocol);
    if (manifest === undefined) throw new Error(`no manifest is named ${target.protocol}`);
    return manifest;
  }

  /** What can be done at a target. */
  verbsOf(target: Target): readonly Verb[] {
    return this.registry.forScheme(target.url.scheme)?.scheme.verbs ?? this.manifestOf(target).verbs;
  }

  /** Loads the protocol and opens a session. @throws PortholeError, by its code */
  async open(target: Target, signal: AbortSignal = this.signal): Promise<Session> {
    const manifest = this.manifestOf(target);
    const plugin = await loadPlugin(manifest);
    const place = { host: target.host, port: target.port };
    try {
      return supervise(await plugin.open(target, this.contextFor(target, signal)), manifest.name, place);
    } catch (thrown) {
      throw located(labelled(thrown, manifest.name, place), target);
    }
  }

  /** The target that a session was opened for: of the same place, perhaps with another path, where sessions are kept. */
  openedFor(_session: Session, target: Target): Target {
    return target;
  }

  /** Opens a session, lets `act` work with it, and closes it whatever happens, unless `keeper` keeps it. */
  async use<T>(
    target: Target,
    act: (session: Session) => Promise<T>,
    signal: AbortSignal = this.signal,
    keeper?: SessionKeeper,
  ): Promise<T> {
    const open = () => this.open(target, signal);
    const session = keeper === undefined ? await open() : await keeper.take(target, open);
    let result: T;
    try {
      result = await act(session);
    } catch (thrown) {
      try {
        await session[Symbol.asyncDispose]();
      } catch {
        // What went wrong first is what the user is told.
      }
      // Closed: another may be let in in its place.
      keeper?.lost(target);
      throw located(thrown, target);
    }
    if (keeper?.give(target, session) !== true) await session[Symbol.asyncDispose]();
    return result;
  }

  /**
   * Refuses, before anything is sent, what the target's protocol cannot do.
   * @throws PortholeError `usage`
   */
  require(target: Target, word: string, needs: readonly Verb[]): void {
    const manifest = this.manifestOf(target);
    const own = this.verbsOf(target);
    if (needs.some((verb) => own.includes(verb))) return;
    throw new PortholeError(
      "usage",
      own.length === 0
        ? `${manifest.title} cannot be used yet`
        : `${word} is not for ${this.#nameOf(target)}`,
      {
        protocol: manifest.name,
        url: target.href(target.path),
        hint: own.length === 0 ? "`porthole protocols` shows what each protocol can do" : wordsThatGo(own),
      },
    );
  }

  /** For people: a scheme that can do other things than its protocol is told apart from it. */
  #nameOf(target: Target): string {
    const { scheme } = target.url;
    const apart = this.registry.forScheme(scheme)?.scheme.verbs !== undefined;
    return apart ? `${scheme}:` : this.manifestOf(target).title;
  }

  /** What a session of this target is opened with. */
  contextFor(target: Target, signal: AbortSignal = this.signal): Context {
    const settings = this.#settings;
    if (target.url.password !== undefined) this.transcript.mask(target.url.password);
    return {
      dial: async (endpoint) => {
        const connection = await this.#dialer.dial(endpoint, signal);
        settings.observer?.dialed(connection);
        return connection;
      },
      dialDatagrams: (endpoint) => this.#dialer.dialDatagrams(endpoint, signal),
      mailHosts: (domain) => resolveMailHosts(domain, this.#dialer.settings, signal),
      listen: (request) => this.#dialer.listen(request, signal),
      listenDatagrams: (request) => this.#dialer.listenDatagrams(request, signal),
      forwardProxy: (endpoint) => this.#dialer.forwardProxy(endpoint),
      credentials: (request) => this.#credentials(target, request),
      policy: this.policy,
      options: this.#optionsOf(target.protocol),
      signal,
      ...(settings.stateFolder === undefined ? {} : { stateFolder: settings.stateFolder }),
      progress: (report) => settings.progress?.(report),
      warn: (text) => settings.warn?.(text),
      ...(settings.standardInput === undefined ? {} : { standardInput: settings.standardInput }),
      ...(settings.confirm === undefined ? {} : { confirm: settings.confirm }),
      note: (text) => this.transcript.note(text),
      mask: (secret) => this.transcript.mask(secret),
    };
  }

  #optionsOf(protocol: string): Options {
    const { options = {} } = this.#settings;
    return typeof options === "function" ? options(protocol) : options;
  }

  async #credentials(target: Target, request: CredentialRequest): Promise<Credentials | undefined> {
    const { connection } = request;
    const allowed = mayTravel(connection, {
      allowPlaintextAuth: this.policy.allowPlaintextAuth,
      concealed: request.concealed === true,
    });
    if (!allowed && request.unasked === true) return undefined;
    const look = this.#settings.credentials ?? credentialsOfUrl;
    // Nobody is asked for a password that may not be used.
    const found = await look(target, allowed && request.required === true, request.nameless);
    if (found === undefined) return request.fallback;
    this.transcript.mask(found.password);
    if (allowed) this.#settings.observer?.credentials();
    if (allowed || found.password === "") return found;
    throw new PortholeError("tls", `the password would go to ${target.host} in clear`, {
      protocol: target.protocol,
      hint: "use the scheme with TLS or --starttls require, or allow it with --allow-plaintext-auth",
    });
  }
}

/** An error names the protocol and the URL it is about; a URL that a protocol knows better, such as the end of redirects, stays. */
/** What there is no verb for goes without one. */
function wordsThatGo(verbs: readonly Verb[]): string {
  const words = verbs.filter((verb) => verb !== "interact");
  const bare = words.length < verbs.length ? "; its bare URL begins a session" : "";
  return `it can ${words.join(", ")}${bare}`;
}

function located(thrown: unknown, target: Target): unknown {
  if (!(thrown instanceof PortholeError)) return thrown;
  thrown.url ??= target.href(target.path);
  // A local file that cannot be written has nothing to do with how its content came.
  if (thrown.code !== "local" && thrown.code !== "aborted") thrown.protocol ??= target.protocol;
  return thrown;
}

function noAccounts(): undefined {
  return undefined;
}

/** The library's default source: the URL itself. */
async function credentialsOfUrl(target: Target): Promise<Credentials | undefined> {
  const { user, password } = target.url;
  return user === undefined ? undefined : { user, password: password ?? "", kind: "password" };
}

export async function loadPlugin(manifest: Manifest): Promise<Plugin> {
  if (manifest.load === undefined) {
    throw new PortholeError("usage", `${manifest.title} is in the table but cannot be used yet`, {
      protocol: manifest.name,
      hint: "`porthole protocols` shows what each protocol can do",
    });
  }
  return manifest.load();
}
