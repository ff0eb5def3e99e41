/**
 * HTTP as a Session: a path is read with GET, looked at with HEAD, written with PUT, removed with DELETE; folders are
 * WebDAV's. What a single GET does not need is loaded when it is used.
 */
import { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type {
  CheckStep,
  Context,
  Document,
  Entry,
  EntryKind,
  Hypertext,
  ListQuery,
  Outgoing,
  ReadQuery,
  RobotRules,
  SendReport,
  Session,
  Source,
  Target,
  WatchEvent,
  WatchQuery,
} from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { codingsOf, decoded } from "./content-coding.js";
import { drain } from "./drain.js";
import { type Header, type HttpResponse, headerValue, sameOrigin } from "./engine.js";
import { type Answer, entryOf, writtenEntry } from "./entry.js";
import { isHtml, parseMediaType, proposedName } from "./media-type.js";
import { isAtEnd, isOfAnother, type Part, partOf, rangeHeaders, validatorOf, versionOf } from "./ranges.js";
import { urlOf } from "./redirects.js";
import type { Requester } from "./requester.js";
import { Upload, type UploadSource } from "./upload.js";

export class HttpSession implements Session {
  readonly #requester: Requester;
  readonly #target: Target;
  readonly #context: Context;

  constructor(requester: Requester, target: Target, context: Context) {
    this.#requester = requester;
    this.#target = target;
    this.#context = context;
  }

  async read(path: string, query: ReadQuery = {}): Promise<Document> {
    const { method, data } = this.#requester.settings;
    const form = data === undefined ? undefined : await this.#form(data);
    const upload = form === undefined ? undefined : await Upload.of(form);
    // What a part of an answer to POST would be, nobody knows.
    const partly = upload === undefined && (method ?? "GET") === "GET";
    const headers = partly ? [...rangeHeaders(query), ...conditions(query)] : [];
    const answer = await this.#requester.ask({
      method: method ?? (upload === undefined ? "GET" : "POST"),
      path,
      headers: form?.type === undefined ? headers : [["Content-Type", form.type]],
      ...(upload === undefined ? {} : { upload }),
      uncoded: query.offset !== undefined || query.length !== undefined,
      welcomes: (response) => isAtEnd(response, query),
    });
    const { response } = answer;
    if (response.status === 416) return nothingLeft(answer, query.offset ?? 0);
    if (response.status === 304 && (query.since ?? query.known) !== undefined) return unchanged(answer);
    if (response.status === 304) await refuseUnchanged(answer);
    const codings = codingsOf(headerValue(response.headers, "content-encoding"));
    if (response.status === 206 && (codings.length > 0 || isOfAnother(response, query))) {
      // A part of something coded cannot be undone, and one of another version belongs to nothing: all of it can be had.
      response.body.destroy();
      return this.read(path);
    }
    const part = expectedPart(answer, query);
    if (codings.length === 0) return documentOf(answer, response, false, part);
    return documentOf(answer, { body: await decoded(response.body, codings) }, true, part);
  }

  async stat(path: string): Promise<Entry> {
    if (/^[^?]*\/$/.test(path)) return (await import("./listing.js")).standOf(this.#requester, path);
    const welcomes = ({ status }: HttpResponse) => status < 500 && status !== 401 && status !== 407;
    const answer = await this.#requester.ask({ method: "HEAD", path, uncoded: true, welcomes });
    await drain(answer.response.body);
    const { place, response } = answer;
    // Servers lead to a folder's path with its slash, where there may be no page.
    if (place.path === `${path}/` && sameOrigin(place.origin, this.#requester.origin)) {
      return (await import("./listing.js")).standOf(this.#requester, place.path);
    }
    if (response.status >= 400) throw this.#requester.failureOf(answer);
    return entryOf(answer);
  }

  async write(path: string, source: Source): Promise<Entry> {
    if ((source.offset ?? 0) > 0) {
      throw new PortholeError("usage", "HTTP has no way to continue a partial upload", {
        hint: "leave out --resume",
      });
    }
    const upload = await Upload.of(source);
    const headers: Header[] = [["Content-Type", source.type ?? "application/octet-stream"]];
    if (source.replace !== true) {
      await this.#refuseExisting(path);
      // RFC 9110, 13.1.2: for servers that heed it, what came there meanwhile is safe too.
      headers.push(["If-None-Match", "*"]);
    }
    const answer = await this.#requester.ask({
      method: "PUT",
      path,
      headers,
      upload,
      welcomes: ({ status }) => status === 412 && source.replace !== true,
    });
    await drain(answer.response.body);
    if (answer.response.status === 412) throw existsAlready(answer);
    return writtenEntry(answer, source.size);
  }

  kindOf(): EntryKind {
    return "page";
  }

  async *list(path: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    yield* (await import("./listing.js")).listPlace(this.#requester, path, query);
  }

  async remove(path: string, { recursive = false }: { readonly recursive?: boolean } = {}): Promise<void> {
    await (await import("./webdav/folders.js")).remove(this.#requester, path, recursive);
  }

  async move(from: string, to: string, query: { readonly replace?: boolean } = {}): Promise<Entry> {
    return (await import("./webdav/folders.js")).move(this.#requester, from, to, query.replace ?? false);
  }

  async makeFolder(path: string): Promise<Entry> {
    return (await import("./webdav/folders.js")).makeFolder(this.#requester, path);
  }

  /** POST to the place that the session was opened at. The answer's body is not kept: `porthole http post` shows it. */
  async send(outgoing: Outgoing): Promise<SendReport> {
    if (outgoing.kind !== "octets") {
      throw new PortholeError("usage", "HTTP sends octets, and no messages", {
        hint: "send it through smtp:",
      });
    }
    const { source } = outgoing;
    const type = source.type ?? "application/octet-stream";
    refuseControls(type, "a media type");
    const upload = await Upload.of(source);
    const answer = await this.#requester.ask({
      method: "POST",
      path: this.#target.path === "" ? "/" : this.#target.path,
      headers: [["Content-Type", type]],
      upload,
    });
    await drain(answer.response.body);
    return {
      accepted: [urlOf(answer.place)],
      refused: [],
      reply: replyOf(answer.response),
      size: upload.sent,
    };
  }

  /** POST, and what comes back for it: redirects are followed as a browser follows them. */
  async submit(path: string, source: Source): Promise<Document> {
    const type = source.type ?? "application/octet-stream";
    refuseControls(type, "a media type");
    const upload = await Upload.of(source);
    const answer = await this.#requester.ask({
      method: "POST",
      path,
      headers: [["Content-Type", type]],
      upload,
    });
    const codings = codingsOf(headerValue(answer.response.headers, "content-encoding"));
    const body = await decoded(answer.response.body, codings);
    return documentOf(answer, { body }, codings.length > 0, undefined);
  }

  async *watch(path: string, query: WatchQuery = {}): AsyncGenerator<WatchEvent, void, undefined> {
    const { watchPlace } = await import("./watch.js");
    yield* watchPlace(this.#requester, path, query, { target: this.#target, context: this.#context });
  }

  async *check(): AsyncGenerator<CheckStep, void, undefined> {
    yield* (await import("./check.js")).checkSteps(this.#requester, this.#target.path);
  }

  async hypertext({ type, entry, charset }: Document, octets: Uint8Array): Promise<Hypertext | undefined> {
    if (!isHtml(type) && type !== "text/css") return undefined;
    const { linksOfCss, linksOfHtml } = await import("../../src/text/html-links.js");
    const links = isHtml(type) ? linksOfHtml : linksOfCss;
    return links(octets, entry.url, charset);
  }

  async robots(): Promise<RobotRules> {
    return (await import("./robots-file.js")).robotsOf(this.#requester);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#requester.close();
  }

  async #form(data: readonly string[]): Promise<UploadSource> {
    const { standardInput } = this.#context;
    const stdin =
      standardInput === undefined
        ? undefined
        : async function* () {
            yield await standardInput();
          };
    return (await import("./request-content.js")).formData(data, stdin);
  }

  /** Many servers pass over If-None-Match in a PUT, nginx among them: so they are asked first. */
  async #refuseExisting(path: string): Promise<void> {
    const answer = await this.#requester.ask({
      method: "HEAD",
      path,
      stay: true,
      welcomes: ({ status }) => status !== 401 && status !== 407,
    });
    await drain(answer.response.body);
    const { status } = answer.response;
    if (status >= 200 && status < 300) throw existsAlready(answer);
  }
}

/** @param content the answer's own, or what was decoded of it */
export function documentOf(
  { place, response }: Pick<Answer, "place" | "response">,
  content: Pick<Document, "body" | "held" | "pour">,
  coded: boolean,
  part?: Part,
): Document {
  const entry = entryOf({ place, response });
  const { headers } = response;
  const total = part === undefined ? entry.size : part.total;
  // What is decoded here cannot be continued from an octet on.
  const validator = coded ? undefined : validatorOf(headers);
  const version = versionOf(headers);
  const filename = proposedName(headerValue(headers, "content-disposition"));
  return {
    entry,
    ...parseMediaType(headerValue(headers, "content-type")),
    offset: part?.first ?? 0,
    ...(total === undefined ? {} : { total }),
    ...(validator === undefined ? {} : { validator }),
    ...(version === undefined || version === validator ? {} : { version }),
    ...(filename === undefined ? {} : { filename }),
    ...(content.held === undefined ? {} : { held: content.held }),
    ...(content.pour === undefined ? {} : { pour: content.pour }),
    get body() {
      return content.body;
    },
  };
}

function expectedPart({ place, response }: Answer, query: ReadQuery): Part | undefined {
  try {
    return partOf(response, query);
  } catch (thrown) {
    response.body.destroy();
    if (thrown instanceof PortholeError) thrown.url ??= urlOf(place);
    throw thrown;
  }
}

/** The partial copy is whole already. */
async function nothingLeft(answer: Answer, offset: number): Promise<Document> {
  await drain(answer.response.body);
  const { size: _ofTheRefusal, ...entry } = entryOf(answer);
  return {
    entry,
    type: "application/octet-stream",
    offset,
    total: offset,
    body: Readable.from([], { objectMode: false }),
  };
}

/** RFC 9110, 13.1.3: seconds are all that a date of HTTP tells, and it is for servers that know no ETags. */
function conditions({ since, known }: ReadQuery): Header[] {
  const isTag = known !== undefined && /^(?:W\/)?"/.test(known);
  const date = since?.toUTCString() ?? (isTag ? undefined : known);
  return [
    ...(isTag ? [["If-None-Match", known] as const] : []),
    ...(date === undefined ? [] : [["If-Modified-Since", date] as const]),
  ];
}

async function unchanged(answer: Answer): Promise<Document> {
  await drain(answer.response.body);
  const body = Readable.from([], { objectMode: false });
  const version = versionOf(answer.response.headers);
  return {
    entry: entryOf(answer),
    type: "application/octet-stream",
    offset: 0,
    unchanged: true,
    ...(version === undefined ? {} : { version }),
    body,
  };
}

/** Nothing came, which must not be taken for an empty document. */
async function refuseUnchanged({ place, response, hops }: Answer): Promise<never> {
  await drain(response.body);
  const asked = hops.at(-1)?.request.headers.some(([name]) => /^if-/i.test(name)) === true;
  if (!asked) {
    throw new PortholeError("protocol", "the server says that nothing has changed, and was not asked that", {
      reply: replyOf(response),
      url: urlOf(place),
    });
  }
  throw new PortholeError("other", "the server says that nothing has changed", {
    reply: replyOf(response),
    url: urlOf(place),
    hint: "leave out the header If-None-Match or If-Modified-Since",
  });
}

function existsAlready({ place, response }: Answer): PortholeError {
  return new PortholeError("local", "there is something at that place already", {
    reply: replyOf(response),
    url: urlOf(place),
    hint: "--force replaces it",
  });
}

function replyOf({ status, reason }: HttpResponse): string {
  return `${status} ${reason}`.trim();
}
