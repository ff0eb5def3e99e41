/** One question to the server, with the redirects and the login that stand between it and its answer. */
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Context, Target } from "../../src/plugin.js";
import { parseUrl } from "../../src/url.js";
import type { ResponseCache } from "./cache.js";
import type { Connector } from "./connector.js";
import { ACCEPTED_CODINGS } from "./content-coding.js";
import { drain } from "./drain.js";
import {
  type Header,
  type HttpEngine,
  type HttpRequest,
  type HttpResponse,
  headerValue,
  headerValues,
  type Information,
  isIdempotent,
  sameOrigin,
} from "./engine.js";
import type { Answer } from "./entry.js";
import { headersAsSent } from "./head-text.js";
import { type Hop, HopClock } from "./hops.js";
import { Login } from "./login.js";
import type { NamedSession } from "./named-session.js";
import {
  isRedirect,
  type Place,
  placeOf,
  redirectMethod,
  redirectTarget,
  requestPath,
  urlOf,
} from "./redirects.js";
import { layered, mergedHeaders, withKeptCookies } from "./request-headers.js";
import { statusFailure } from "./status.js";
import type { Upload } from "./upload.js";

export interface RequestSettings {
  readonly maxRedirects: number;
  /** From `--header`, in the order given. */
  readonly headers: readonly Header[];
  /** A document is asked for by this instead of GET, or POST with data. */
  readonly method?: string;
  /** A form that goes up when a document is asked for, in parts; `@FILE` is what is in a file. */
  readonly data?: readonly string[];
  readonly cookies?: CookieKeeper;
  readonly session?: NamedSession;
  readonly cache?: ResponseCache;
  /** Folders are WebDAV's: no page is asked for first. */
  readonly dav?: boolean;
}

/** Who keeps cookies between requests. */
export interface CookieKeeper {
  /** What goes to that place, as the value of Cookie. */
  headerFor(url: string): Promise<string | undefined>;
  /** @param values of Set-Cookie */
  take(url: string, values: readonly string[]): Promise<void>;
  /** Writes down what has changed. @throws PortholeError `local` */
  save(): Promise<void>;
}

export interface Question {
  readonly method: string;
  /** As in the URL. */
  readonly path: string;
  readonly headers?: readonly Header[];
  /** What the user wrote for this one: instead of what Porthole would send, and for the first server alone. */
  readonly own?: readonly Header[];
  /** Names in lower case that are not sent, though Porthole would. */
  readonly without?: ReadonlySet<string>;
  readonly upload?: Upload;
  /** The octets as the server holds them: a size or a range of something coded means nothing. */
  readonly uncoded?: boolean;
  /** Take a redirect for the answer. */
  readonly stay?: boolean;
  /** Statuses of 400 and above that are an answer all the same. */
  readonly welcomes?: (response: HttpResponse) => boolean;
  readonly onInformation?: (information: Information) => void;
}

export class Requester {
  readonly #start: Place;
  readonly #context: Context;
  readonly #engine: HttpEngine;
  readonly #connector: Connector;
  readonly #settings: RequestSettings;
  readonly #login: Login;

  constructor(
    target: Target,
    context: Context,
    engine: HttpEngine,
    connector: Connector,
    settings: RequestSettings,
  ) {
    this.#start = placeOf(parseUrl(target.href("/")));
    this.#context = context;
    this.#engine = engine;
    this.#connector = connector;
    this.#settings = settings;
    this.#login = new Login(target, context, connector, settings.session);
  }

  get settings(): RequestSettings {
    return this.#settings;
  }

  get connector(): Connector {
    return this.#connector;
  }

  /** The server that the user named. */
  get origin(): Place["origin"] {
    return this.#start.origin;
  }

  /** @throws PortholeError for every status of 400 and above that is not welcome, and for what cannot be followed */
  async ask(question: Question): Promise<Answer> {
    let place: Place = { origin: this.#start.origin, path: requestPath(question.path) };
    let { method } = question;
    const hops: Hop[] = [];
    for (let redirects = 0; ; redirects++) {
      const step = method === question.method ? question : { ...bare(question), method };
      const response = await this.#loggedIn(step, place, hops);
      const location = headerValue(response.headers, "location");
      if (isRedirect(response.status) && location !== undefined && question.stay !== true) {
        await drain(response.body);
        const next = this.#follow(place, location, redirects);
        this.#context.note(`${response.status} leads to ${urlOf(next)}`);
        method = redirectMethod(response.status, method);
        if (method === question.method && question.upload?.ready === false) {
          throw cannotRepeat(response, place, `send it to ${urlOf(next)}`);
        }
        place = next;
        continue;
      }
      const isLeft = response.status >= 300 && !SAFE.has(method) && question.stay !== true;
      const isAnswer = response.status < 400 && !isLeft;
      if (isAnswer || question.welcomes?.(response) === true) return { place, response, hops };
      await drain(response.body);
      if (response.status < 400) throw leadsNowhere(response, place);
      throw this.failureOf({ place, response, hops });
    }
  }

  /** What a status of 400 and above means. */
  failureOf({ place, response, hops }: Answer): PortholeError {
    const { status, reason } = response;
    const once = !isIdempotent(hops.at(-1)?.request.method ?? "GET");
    const loggedIn = this.#login.given && this.#isTrusted(place);
    const retryAfter = headerValue(response.headers, "retry-after");
    const forwarded = this.#connector.forwardProxy(place.origin) !== undefined;
    return statusFailure({ status, reason, url: urlOf(place), loggedIn, forwarded, once, retryAfter });
  }

  /**
   * A connection of its own for another protocol that begins as HTTP (RFC 9110, 7.8), and the request that asks for it.
   * @throws PortholeError as dialing does
   */
  async upgrade(
    question: Question,
  ): Promise<{ readonly connection: Connection; readonly request: HttpRequest }> {
    const { origin } = this.#start;
    const connection = await this.#connector.tunnel(origin);
    if (!this.#hasOwnAuthorization(question)) await this.#login.ahead(origin, []);
    const place: Place = { origin, path: requestPath(question.path) };
    const request = await this.#requestFor(question, place);
    // Through the tunnel the server is asked, and not the proxy.
    const headers = request.headers.filter(([name]) => name.toLowerCase() !== "proxy-authorization");
    return { connection, request: { ...request, path: place.path, headers } };
  }

  /** The request as it would go out, without a login that the server has to ask for. Nothing is sent. */
  async preview(question: Question): Promise<HttpRequest> {
    const place: Place = { origin: this.#start.origin, path: requestPath(question.path) };
    const request = await this.#requestFor(question, place);
    return { ...request, headers: headersAsSent(request) };
  }

  /** Ends the connections, and writes down what is to be kept. */
  async close(): Promise<void> {
    await this.#engine.close();
    await this.#settings.cookies?.save();
    await this.#settings.session?.save();
    await this.#settings.cache?.close();
  }

  #follow(place: Place, location: string, redirects: number): Place {
    if (redirects >= this.#settings.maxRedirects) {
      throw new PortholeError("refused", `the server redirects more than ${redirects} times`, {
        url: urlOf(place),
        hint: "--max-redirects N allows more",
      });
    }
    return redirectTarget(place, location);
  }

  /** One request, and once more with credentials when the server asks for them. */
  async #loggedIn(question: Question, place: Place, hops: Hop[]): Promise<HttpResponse> {
    const mayLogIn = this.#isTrusted(place) && !this.#hasOwnAuthorization(question);
    if (mayLogIn) await this.#login.ahead(place.origin, this.#engine.alpn);
    // A second time for the login, a third for a nonce that has become stale meanwhile.
    for (let attempt = 0; ; attempt++) {
      const response = await this.#admitted(question, place, hops);
      if (!mayLogIn) return response;
      if (response.status !== 401) {
        this.#login.heed(response);
        return response;
      }
      let again: boolean;
      try {
        again = attempt < 2 && (await this.#login.answers(response, place.origin));
      } catch (thrown) {
        response.body.destroy();
        throw thrown;
      }
      if (!again) return response;
      await drain(response.body);
      if (question.upload?.ready === false) {
        throw cannotRepeat(response, place, "--auth BASIC logs in at once; --http-engine node asks first");
      }
    }
  }

  /** One request, and once more when a proxy that it is handed to wants another login (RFC 9110, 15.5.8). */
  async #admitted(question: Question, place: Place, hops: Hop[]): Promise<HttpResponse> {
    const forward = this.#connector.forwardProxy(place.origin);
    // A third time for a nonce that has become stale meanwhile.
    for (let attempt = 0; ; attempt++) {
      const request = await this.#requestFor(question, place);
      const response = await this.#send(request, question, place, hops);
      if (forward === undefined || response.status !== 407) {
        forward?.heed(response.headers);
        return response;
      }
      const sent = headerValue(request.headers, "proxy-authorization");
      if (attempt >= 2 || !(await forward.answers(response.headers, sent))) return response;
      await drain(response.body);
      if (question.upload?.ready === false) {
        throw cannotRepeat(response, place, "--http-engine node asks first");
      }
    }
  }

  /** @param anew not even whether what is kept still holds is asked */
  async #send(
    request: HttpRequest,
    question: Question,
    place: Place,
    hops: Hop[],
    anew = false,
  ): Promise<HttpResponse> {
    const information: Information[] = [];
    const clock = new HopClock(this.#connector, place.origin);
    const url = urlOf(place);
    const cache = mayBeCached(request, question) ? this.#settings.cache : undefined;
    const kept = anew || cache === undefined ? undefined : await cache.find(request, url);
    if (kept?.fresh === true) {
      this.#context.note(`${url} is fresh in the cache`);
      const response = kept.response();
      hops.push({ place, request, response, information, times: clock.answered() });
      return response;
    }
    const response = await this.#engine.request({
      ...request,
      headers: kept === undefined ? request.headers : [...request.headers, ...kept.conditions],
      onInformation: (one) => {
        // A server may send any number of them.
        if (information.length < 100) information.push(one);
        this.#context.note(`${one.status} ${one.reason}`.trim());
        question.onInformation?.(one);
      },
    });
    hops.push({ place, request, response, information, times: clock.answered() });
    const cookies = headerValues(response.headers, "set-cookie");
    if (cookies.length > 0) await this.#cookies?.take(url, cookies);
    if (kept !== undefined && response.status === 304) {
      await drain(response.body);
      // RFC 9111, 4.3.4: it is about something that is not kept here. Without conditions, the whole answer comes.
      return (await kept.renewed(response)) ?? this.#send(request, question, place, hops, true);
    }
    if (cache !== undefined) return cache.keep(request, url, response);
    if (!SAFE.has(request.method) && response.status < 400) await this.#settings.cache?.forget(url);
    return response;
  }

  get #cookies(): CookieKeeper | undefined {
    return this.#settings.cookies ?? this.#settings.session?.cookies;
  }

  async #requestFor(question: Question, place: Place): Promise<HttpRequest> {
    const forward = this.#connector.forwardProxy(place.origin);
    const body = question.upload?.body();
    const sent: Pick<HttpRequest, "method" | "path"> = {
      method: question.method,
      // RFC 9112, 3.2.2: a proxy is given the whole URL.
      path: forward === undefined ? place.path : urlOf(place),
    };
    const extra: Header[] = [];
    // What the user wrote stays with the server it was meant for.
    let own: readonly Header[] = this.#isTrusted(place) ? this.#ownHeaders(question) : [];
    const keeper = this.#cookies;
    const cookies = keeper === undefined ? undefined : await keeper.headerFor(urlOf(place));
    if (cookies !== undefined) {
      extra.push(["Cookie", cookies]);
      own = withKeptCookies(own, cookies);
    }
    if (this.#isTrusted(place)) {
      const authorization = this.#login.authorization(sent.method, sent.path, question.upload?.held);
      if (authorization !== undefined) extra.push(["Authorization", authorization]);
    }
    const { method, path: uri } = sent;
    const admission = forward?.authorization({ method, uri, body: question.upload?.held });
    if (admission !== undefined) extra.push(["Proxy-Authorization", admission]);
    const headers = mergedHeaders({
      usual: question.uncoded === true ? USUAL_UNCODED : USUAL,
      needed: [...(question.headers ?? []), ...extra],
      own,
      ...(question.without === undefined ? {} : { without: question.without }),
    });
    const unconditional = body !== undefined && question.without?.has("expect") === true;
    return {
      ...sent,
      origin: place.origin,
      headers,
      ...(body === undefined ? {} : { body: unconditional ? { ...body, awaitsConsent: false } : body }),
      signal: this.#context.signal,
    };
  }

  #ownHeaders({ own = [], without }: Question): Header[] {
    return layered([this.#settings.session?.headers ?? [], this.#settings.headers, own], without);
  }

  /** The server that the user named: what is secret goes there alone. */
  #isTrusted(place: Place): boolean {
    return sameOrigin(place.origin, this.#start.origin);
  }

  #hasOwnAuthorization(question: Question): boolean {
    return headerValue(this.#ownHeaders(question), "authorization") !== undefined;
  }
}

const USUAL: readonly Header[] = usualHeaders(ACCEPTED_CODINGS);
const USUAL_UNCODED: readonly Header[] = usualHeaders("identity");

function usualHeaders(codings: string): Header[] {
  return [
    ["User-Agent", "Porthole"],
    ["Accept", "*/*"],
    ["Accept-Encoding", codings],
  ];
}

/** RFC 9110, 9.2.1: these change nothing. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND"]);

/** A whole document, and no conditions that the user set. */
function mayBeCached({ method, body, headers }: HttpRequest, question: Question): boolean {
  if (method !== "GET" || body !== undefined || question.uncoded === true) return false;
  return !headers.some(([name]) => /^(?:if-|range$)/i.test(name));
}

/** What is left of a question that a redirect has turned into a GET. */
function bare(question: Question): Question {
  const { headers: _headers, upload: _upload, ...rest } = question;
  return rest;
}

/** RFC 9110, 15.4: it is for the client to do more. What was asked for has not been done, whatever the reason. */
function leadsNowhere({ status, reason }: HttpResponse, place: Place): PortholeError {
  return new PortholeError("refused", "the server wants it asked elsewhere, and does not say where", {
    reply: `${status} ${reason}`.trim(),
    url: urlOf(place),
  });
}

function cannotRepeat({ status, reason }: HttpResponse, place: Place, hint: string): PortholeError {
  return new PortholeError("refused", "the server wants it sent again, and what was streamed to it is gone", {
    reply: `${status} ${reason}`.trim(),
    url: urlOf(place),
    hint,
  });
}
