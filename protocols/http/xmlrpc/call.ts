/** Calls over HTTP: one, or many in one request (system.multicall). */
import { Readable } from "node:stream";
import { PortholeError } from "../../../src/errors.js";
import { codingsOf, decoded } from "../content-coding.js";
import { headerValue } from "../engine.js";
import { urlOf } from "../redirects.js";
import type { Requester } from "../requester.js";
import { Upload } from "../upload.js";
import { decodeAnswer, faultOf, isStruct, type XmlRpcAnswer } from "./decode.js";
import { encodeCall } from "./encode.js";
import type { XmlRpcFault, XmlRpcValue } from "./value.js";

export interface XmlRpcCall {
  /** May have dots in it: `system.listMethods`. */
  readonly method: string;
  readonly args: readonly XmlRpcValue[];
}

/** Octets of an answer, which is held whole. */
const MOST_OCTETS = 32 * 1024 * 1024;

/** @throws PortholeError `refused` for a fault, `protocol` for an answer that is none, and as for any POST */
export async function callXmlRpc(requester: Requester, path: string, call: XmlRpcCall): Promise<XmlRpcValue> {
  const answer = await ask(requester, path, call);
  if ("fault" in answer) throw failureOf(call.method, answer.fault);
  return answer.value;
}

/**
 * Many calls in one request.
 * @returns what became of each, in order
 * @throws PortholeError `refused` when the server knows no system.multicall
 */
export async function multicall(
  requester: Requester,
  path: string,
  calls: readonly XmlRpcCall[],
): Promise<XmlRpcAnswer[]> {
  const structs = calls.map(({ method, args }) => ({ methodName: method, params: args }));
  const results = await callXmlRpc(requester, path, { method: "system.multicall", args: [structs] });
  if (!Array.isArray(results) || results.length !== calls.length) {
    throw new PortholeError("protocol", `system.multicall gave no list of ${calls.length} results`);
  }
  return results.map((result: XmlRpcValue): XmlRpcAnswer => {
    // A result stands in a list of one; a fault is a struct.
    if (Array.isArray(result)) return { value: result[0] ?? null };
    return isStruct(result) ? { fault: faultOf(result) } : { value: result };
  });
}

export function failureOf(method: string, { code, text }: XmlRpcFault): PortholeError {
  return new PortholeError("refused", `${method} failed with fault ${code}`, { reply: text });
}

async function ask(requester: Requester, path: string, { method, args }: XmlRpcCall): Promise<XmlRpcAnswer> {
  if (!/^[\w.:/]{1,200}$/.test(method)) {
    // The specification allows no other characters.
    throw new PortholeError("usage", `'${method}' cannot be the name of a method`);
  }
  const octets = encodeCall(method, args);
  const upload = await Upload.of({ body: Readable.from([octets]), size: octets.length, repeatable: false });
  const { place, response } = await requester.ask({
    method: "POST",
    path: path === "" ? "/" : path,
    headers: [["Content-Type", "text/xml"]],
    upload,
  });
  const body = await decoded(response.body, codingsOf(headerValue(response.headers, "content-encoding")));
  const type = headerValue(response.headers, "content-type") ?? "";
  if (/html/i.test(type)) {
    body.destroy();
    throw new PortholeError("protocol", "the answer is a page, not XML-RPC", {
      reply: `${response.status} ${type}`,
      url: urlOf(place),
      hint: "is this the address of the service? often it ends in /RPC2 or /xmlrpc.php",
    });
  }
  try {
    return await decodeAnswer(await whole(body));
  } catch (thrown) {
    if (thrown instanceof PortholeError) thrown.url ??= urlOf(place);
    throw thrown;
  }
}

async function whole(body: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  const octets: AsyncIterable<Buffer> = body;
  for await (const piece of octets) {
    size += piece.length;
    if (size > MOST_OCTETS) {
      throw new PortholeError("protocol", `the answer is longer than ${MOST_OCTETS} octets`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size);
}
