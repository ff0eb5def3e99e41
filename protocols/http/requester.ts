/** One question to the server, with the redirects and the login that stand between it and its answer. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Target } from "../../src/plugin.js";
import { parseUrl } from "../../src/url.js";
import type { Connector } from "./connector.js";
import { ACCEPTED_CODINGS } from "./content-coding.js";
import { drain } from "./drain.js";
import { type Header, type HttpEngine, type HttpResponse, headerValue, sameOrigin } from "./engine.js";
import type { Answer } from "./entry.js";
import { authorizationOf, offeredSchemes } from "./login.js";
import {
  isRedirect,
  type Place,
  placeOf,
  redirectMethod,
  redirectTarget,
  requestPath,
  urlOf,
} from "./redirects.js";
import { statusFailure } from "./status.js";
import type { Upload } from "./upload.js";

export interface RequestSettings {
  readonly maxRedirects: number;
  /** From `--header`, in the order given. */
  readonly headers: readonly Header[];
}

export interface Question {
  readonly method: string;
  /** As in the URL. */
  readonly path: string;
  readonly headers?: readonly Header[];
  readonly upload?: Upload;
  /** The octets as the server holds them: a size or a range of something coded means nothing. */
  readonly uncoded?: boolean;
  /** Take a redirect for the answer. */
  readonly stay?: boolean;
  /** Statuses of 400 and above that are an answer all the same. */
  readonly welcomes?: (response: HttpResponse) => boolean;
}

export class Requester {
  readonly #start: Place;
  readonly #context: Context;
  readonly #engine: HttpEngine;
  readonly #connector: Connector;
  readonly #settings: RequestSettings;
  #authorization: string | undefined;

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
  }

  /** @throws PortholeError for every status of 400 and above that is not welcome, and for what cannot be followed */
  async ask(question: Question): Promise<Answer> {
    let place: Place = { origin: this.#start.origin, path: requestPath(question.path) };
    let { method } = question;
    for (let redirects = 0; ; redirects++) {
      const step = method === question.method ? question : { ...bare(question), method };
      const response = await this.#loggedIn(step, place);
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
      if (response.status < 400 || question.welcomes?.(response) === true) return { place, response };
      await drain(response.body);
      const { status, reason } = response;
      const loggedIn = this.#authorization !== undefined && this.#isTrusted(place);
      throw statusFailure({ status, reason, url: urlOf(place), loggedIn });
    }
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    await this.#engine.close();
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
  async #loggedIn(question: Question, place: Place): Promise<HttpResponse> {
    const response = await this.#send(question, place);
    if (response.status !== 401 || !this.#isTrusted(place) || this.#hasAuthorization) return response;
    let authorization: string | undefined;
    try {
      authorization = await this.#authorizationFor(response, place);
    } catch (thrown) {
      response.body.destroy();
      throw thrown;
    }
    if (authorization === undefined) return response;
    await drain(response.body);
    this.#authorization = authorization;
    if (question.upload?.ready === false) {
      throw cannotRepeat(response, place, "--http-engine node asks before it sends");
    }
    return this.#send(question, place);
  }

  #send(question: Question, place: Place): Promise<HttpResponse> {
    const forward = this.#connector.forwardProxy(place.origin);
    return this.#engine.request({
      method: question.method,
      origin: place.origin,
      // RFC 9112, 3.2.2: a proxy is given the whole URL.
      path: forward === undefined ? place.path : urlOf(place),
      headers: this.#headers(question, place, forward?.authorization),
      ...(question.upload === undefined ? {} : { body: question.upload.body() }),
      signal: this.#context.signal,
    });
  }

  #headers(question: Question, place: Place, proxyAuthorization: string | undefined): Header[] {
    // What the user wrote replaces what Porthole would send, and stays with the server it was meant for.
    const own = this.#isTrusted(place) ? this.#settings.headers : [];
    const replaced = new Set(own.map(([name]) => name.toLowerCase()));
    const ours: Header[] = [
      ["User-Agent", "Porthole"],
      ["Accept", "*/*"],
      ["Accept-Encoding", question.uncoded === true ? "identity" : ACCEPTED_CODINGS],
      ...(question.headers ?? []),
    ];
    if (this.#authorization !== undefined && this.#isTrusted(place)) {
      ours.push(["Authorization", this.#authorization]);
    }
    if (proxyAuthorization !== undefined) ours.push(["Proxy-Authorization", proxyAuthorization]);
    return [...ours.filter(([name]) => !replaced.has(name.toLowerCase())), ...own];
  }

  /** The server that the user named: what is secret goes there alone. */
  #isTrusted(place: Place): boolean {
    return sameOrigin(place.origin, this.#start.origin);
  }

  get #hasAuthorization(): boolean {
    const own = headerValue(this.#settings.headers, "authorization");
    return this.#authorization !== undefined || own !== undefined;
  }

  async #authorizationFor(response: HttpResponse, place: Place): Promise<string | undefined> {
    const connection = this.#connector.latestTo(place.origin);
    if (connection === undefined) return undefined;
    const found = await this.#context.credentials({ connection, required: true });
    if (found === undefined) return undefined;
    const offered = offeredSchemes(response.headers);
    const authorization = authorizationOf(found, offered, this.#context.policy.authMechanism);
    this.#context.mask(authorization);
    return authorization;
  }
}

/** What is left of a question that a redirect has turned into a GET. */
function bare(question: Question): Question {
  const { headers: _headers, upload: _upload, ...rest } = question;
  return rest;
}

function cannotRepeat({ status, reason }: HttpResponse, place: Place, hint: string): PortholeError {
  return new PortholeError("refused", "the server wants it sent again, and what was streamed to it is gone", {
    reply: `${status} ${reason}`.trim(),
    url: urlOf(place),
    hint,
  });
}
