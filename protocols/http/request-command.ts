/** `porthole http get|head|post|put|patch|delete|options|request`: one request as it is typed, and its answer. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { localError, PortholeError } from "../../src/errors.js";
import type { Command, Context, Invocation, Options, Output } from "../../src/plugin.js";
import { isWorthWaiting, repeatWhilePossible } from "../../src/repeat.js";
import { remoteFileName } from "../../src/text/filename.js";
import { answerRecord, requestRecord } from "./answer-record.js";
import { codingsOf, decoded } from "./content-coding.js";
import { drain } from "./drain.js";
import { type HttpRequest, headerValue, isIdempotent } from "./engine.js";
import type { Answer } from "./entry.js";
import { answerHead, headerLines, headersAsSent, requestHead } from "./head-text.js";
import type { Hop } from "./hops.js";
import { proposedName } from "./media-type.js";
import { openFor } from "./opened.js";
import { urlOf } from "./redirects.js";
import { contentOf } from "./request-content.js";
import { parseRequestItem, type RequestItem } from "./request-items.js";
import type { Question, Requester } from "./requester.js";
import { documentOf } from "./session.js";
import { timingOf, waterfall } from "./timing.js";
import { Upload } from "./upload.js";
import { writeOut } from "./write-out.js";

/** @param fixed the method; undefined: it is the first word */
export function requestCommand(fixed?: string): Command {
  return (invocation) => run(invocation, fixed);
}

async function* run(invocation: Invocation, fixed: string | undefined): AsyncGenerator<Output> {
  const { options } = invocation;
  const words = [...invocation.words];
  const named = fixed ?? methodOf(words.shift());
  const { method: other } = options;
  const method = typeof other === "string" ? methodOf(other) : named;
  const url = words.shift();
  if (url === undefined) {
    throw new PortholeError("usage", "which URL?", { hint: `http ${method.toLowerCase()} URL [ITEM]...` });
  }
  const parts = partsToPrint(options["print"], options["headers"] === true, method);
  const format = await formatOf(options["write-out"]);
  const items = words.map(
    (word): RequestItem => (word === "-" ? { kind: "body", file: "-" } : parseRequestItem(word)),
  );
  const content = await contentOf(items, options, () => invocation.stdin);
  const { requester, target, session, context } = await openFor(invocation, url);
  session?.remember(content.own);
  const upload =
    content.body === undefined
      ? undefined
      : await Upload.of(content.body, (done, total) =>
          context.progress({
            what: "upload",
            done,
            ...(total === undefined ? {} : { total }),
            finished: done === total,
          }),
        );
  const question: Question = {
    method,
    path: withQuery(target.path, content.query),
    headers: content.headers,
    own: content.own,
    without: content.without,
    ...(upload === undefined ? {} : { upload }),
    stay: options["follow"] === false,
    welcomes: () => true,
  };
  if (options["offline"] === true) {
    const request = await requester.preview(question);
    if (options["json"] === true) {
      const body = unsentBody(request, upload);
      const data = await requestRecord(request, target.href(question.path), body);
      yield { kind: "record", text: "", data };
    } else yield* unsent(request, upload, options["print"] === undefined ? ALL_OF_IT : parts);
    return;
  }
  const shown = target.href(question.path);
  let answer: Answer | undefined;
  let failure: unknown;
  let attempts = 0;
  try {
    const begin = () => {
      attempts += 1;
    };
    answer = await answerTo(question, { requester, context, invocation, begin });
    yield* shownAnswer(answer, { invocation, parts, upload, requester });
  } catch (thrown) {
    failure = thrown;
  }
  const ended = performance.now();
  if (format !== undefined) {
    const told = writeOut(format, {
      method,
      url: shown,
      ...(answer === undefined ? {} : { answer }),
      failure: failure instanceof PortholeError ? failure : undefined,
      ended,
      uploaded: upload?.sent ?? 0,
      retries: Math.max(0, attempts - 1),
      file: savedTo(options, shown, answer),
    });
    if (told.stdout !== "") yield { kind: "octets", octets: Buffer.from(told.stdout, "utf8") };
    if (told.stderr !== "") invocation.tell?.(told.stderr);
  }
  if (options["timing"] === true && answer !== undefined) {
    invocation.tell?.(waterfall(timingOf(answer.hops, ended)));
  }
  if (failure !== undefined) throw failure;
}

/** The answer; with --retry the last one, where the request may be repeated and the server could not answer before. */
async function answerTo(
  question: Question,
  {
    requester,
    context,
    invocation,
    begin,
  }: Pick<Showing, "requester" | "invocation"> & {
    readonly context: Context;
    /** Told before each attempt. */
    readonly begin: () => void;
  },
): Promise<Answer> {
  const { method, upload } = question;
  const retries = isIdempotent(method) ? context.policy.retries : 0;
  let left = retries;
  return repeatWhilePossible(
    retries,
    invocation.signal,
    (text) => invocation.warn(text),
    async () => {
      begin();
      try {
        const answer = await requester.ask(question);
        const failure = answer.response.status < 400 ? undefined : requester.failureOf(answer);
        const isHopeful = failure?.code === "busy" && isWorthWaiting(failure);
        if (left === 0 || !isHopeful || upload?.ready === false) return answer;
        await drain(answer.response.body);
        throw failure;
      } catch (thrown) {
        // What has gone up from a pipe is gone.
        if (upload?.ready === false && thrown instanceof PortholeError) throw new Unrepeatable(thrown);
        throw thrown;
      } finally {
        left -= 1;
      }
    },
  ).catch((thrown: unknown) => {
    throw thrown instanceof Unrepeatable ? thrown.cause : thrown;
  });
}

class Unrepeatable extends Error {
  constructor(cause: PortholeError) {
    super(cause.message, { cause });
  }
}

interface Showing {
  readonly invocation: Invocation;
  readonly parts: ReadonlySet<string>;
  readonly upload: Upload | undefined;
  readonly requester: Requester;
}

/** @throws PortholeError for a status of 400 and above, after its body was shown */
async function* shownAnswer(answer: Answer, showing: Showing): AsyncGenerator<Output> {
  const { invocation, parts, upload, requester } = showing;
  const { options } = invocation;
  const { response, hops } = answer;
  const refused = response.status >= 400 && options["check-status"] !== false;
  const saved = ["output", "remote-name", "directory"].some((flag) => options[flag] !== undefined);
  // An error page is not what was wanted under that name.
  const silent = response.status >= 400 && (options["fail"] === true || (refused && saved));
  if (silent) response.body.destroy();
  else if (options["json"] === true && !saved) {
    const body = await decodedBody(answer);
    yield { kind: "record", text: "", data: await answerRecord(answer, body) };
  } else {
    for (const hop of options["all"] === true ? hops : hops.slice(-1)) {
      yield* heads(hop, parts, upload);
    }
    // What is to be saved is wanted, whatever is printed beside it.
    if (parts.has("b") || saved) yield* body(answer, parts.has("h"));
    else response.body.destroy();
  }
  if (refused || silent) throw requester.failureOf(answer);
}

async function* body(answer: Answer, withTrailers: boolean): AsyncGenerator<Output> {
  const { response } = answer;
  const coded = codingsOf(headerValue(response.headers, "content-encoding")).length > 0;
  const content = coded ? { body: await decodedBody(answer) } : response;
  yield { kind: "document", document: documentOf(answer, content, coded) };
  const trailers = withTrailers ? (response.trailers?.() ?? []) : [];
  if (trailers.length > 0) yield text(`\r\n${headerLines(trailers)}`);
}

function decodedBody({ response }: Answer) {
  return decoded(response.body, codingsOf(headerValue(response.headers, "content-encoding")));
}

function* heads(
  { request, response, information }: Hop,
  parts: ReadonlySet<string>,
  upload: Upload | undefined,
): Generator<Output> {
  if (parts.has("H")) yield text(requestHead({ ...request, headers: headersAsSent(request) }));
  if (parts.has("B") && upload !== undefined && request.body !== undefined) {
    yield upload.held === undefined
      ? text("(a body that was streamed)\r\n\r\n")
      : { kind: "octets", octets: Buffer.concat([upload.held, Buffer.from("\r\n\r\n")]) };
  }
  if (!parts.has("h")) return;
  for (const one of information) yield text(answerHead(one));
  yield text(answerHead(response));
}

function text(latin1: string): Output {
  return { kind: "octets", octets: Buffer.from(latin1, "latin1") };
}

const ALL_OF_IT: ReadonlySet<string> = new Set("HB");

/** `--offline`: the request as it would go out. */
async function* unsent(
  request: HttpRequest,
  upload: Upload | undefined,
  parts: ReadonlySet<string>,
): AsyncGenerator<Output> {
  if (parts.has("H")) yield text(requestHead(request));
  if (request.body === undefined || !parts.has("B")) return;
  if (upload?.held !== undefined) yield { kind: "octets", octets: upload.held };
  else for await (const octets of request.body.octets) yield { kind: "octets", octets };
}

function unsentBody({ body }: HttpRequest, upload: Upload | undefined): AsyncIterable<Uint8Array> {
  return upload?.held === undefined ? (body?.octets ?? Readable.from([])) : Readable.from([upload.held]);
}

/** HTTPie's letters: H and B of the request, h and b of the answer. */
function partsToPrint(given: unknown, withHeaders: boolean, method: string): ReadonlySet<string> {
  if (typeof given !== "string") {
    // What HEAD and OPTIONS ask for is in the headers.
    return new Set(withHeaders || method === "HEAD" || method === "OPTIONS" ? "hb" : "b");
  }
  if (!/^[HBhb]*$/.test(given)) {
    throw new PortholeError("usage", `--print takes the letters H, B, h and b, not '${given}'`, {
      hint: "H and B: the request's headers and body; h and b: the answer's",
    });
  }
  return new Set(given);
}

/** `--write-out FORMAT`, or `@FILE`. */
async function formatOf(given: unknown): Promise<string | undefined> {
  if (typeof given !== "string") return undefined;
  if (!given.startsWith("@")) return given;
  const file = given.slice(1);
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

/** Where the body goes: the platform saves it under just that name. */
function savedTo(options: Options, url: string, answer: Answer | undefined): string | undefined {
  const { output, directory } = options;
  if (typeof output === "string") return output === "-" ? undefined : output;
  if (directory === undefined && options["remote-name"] !== true) return undefined;
  const disposition = headerValue(answer?.response.headers ?? [], "content-disposition");
  const place = answer === undefined ? url : urlOf(answer.place);
  return join(
    typeof directory === "string" ? directory : ".",
    remoteFileName(place, proposedName(disposition)),
  );
}

function methodOf(word: string | undefined): string {
  if (word === undefined)
    throw new PortholeError("usage", "which method?", { hint: "http request METHOD URL" });
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(word) || word.toUpperCase() === "CONNECT") {
    throw new PortholeError("usage", `'${word}' is no method that can be asked for`);
  }
  // Methods are case-sensitive (RFC 9110, 9.1): one that is written in mixed case is meant so.
  return word === word.toLowerCase() ? word.toUpperCase() : word;
}

function withQuery(path: string, query: string): string {
  if (query === "") return path;
  return `${path === "" ? "/" : path}${path.includes("?") ? "&" : "?"}${query}`;
}
