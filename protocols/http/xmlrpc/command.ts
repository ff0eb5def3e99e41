/** `porthole http xmlrpc URL METHOD ARGS...` */
import { PortholeError } from "../../../src/errors.js";
import type { Invocation, JsonObject, Output } from "../../../src/plugin.js";
import { openFor } from "../opened.js";
import type { Requester } from "../requester.js";
import { callXmlRpc, failureOf, multicall, type XmlRpcCall } from "./call.js";
import { encodeCall } from "./encode.js";
import type { XmlRpcValue } from "./value.js";
import { argumentOf, toJson } from "./words.js";

/** Stands between the calls of one `--multicall`. */
const BETWEEN = ":";

export async function* xmlrpcCommand(invocation: Invocation): AsyncGenerator<Output> {
  const [url, ...words] = invocation.words;
  if (url === undefined) {
    throw new PortholeError("usage", "which service?", { hint: "http xmlrpc URL METHOD [ARGUMENT]..." });
  }
  const { options } = invocation;
  const { requester, target } = await openFor(invocation, url);
  if (options["describe"] === true) {
    if (words.length > 0) throw new PortholeError("usage", "--describe tells of all methods, and takes none");
    yield* described(requester, target.path);
    return;
  }
  const calls = await callsOf(words, options["multicall"] === true);
  const [call] = calls;
  if (call === undefined) {
    throw new PortholeError("usage", "which method?", {
      hint: "system.listMethods lists them, --describe tells what they take",
    });
  }
  if (options["offline"] === true) {
    for (const one of calls) yield { kind: "octets", octets: encodeCall(one.method, one.args) };
    return;
  }
  if (options["multicall"] !== true) {
    yield* shown(await callXmlRpc(requester, target.path, call));
    return;
  }
  let failed = 0;
  for (const [at, result] of (await multicall(requester, target.path, calls)).entries()) {
    const { method } = calls[at] ?? call;
    if ("value" in result) yield record(method, { value: toJson(result.value) }, lines(result.value));
    else {
      failed += 1;
      const { code, text } = result.fault;
      invocation.warn(`${failureOf(method, result.fault).message} (${text})`);
      yield record(method, { fault: { code, text } }, [`fault ${code}: ${text}`]);
    }
  }
  if (failed > 0) {
    throw new PortholeError(
      failed === calls.length ? "refused" : "partial",
      `${failed} of ${calls.length} calls failed`,
    );
  }
}

async function callsOf(words: readonly string[], many: boolean): Promise<XmlRpcCall[]> {
  const groups: string[][] = [[]];
  for (const word of words) {
    if (many && word === BETWEEN) groups.push([]);
    else groups.at(-1)?.push(word);
  }
  const named = groups.filter((group) => group.length > 0);
  return Promise.all(
    named.map(async ([method = "", ...args]) => ({ method, args: await Promise.all(args.map(argumentOf)) })),
  );
}

/** Introspection: each method with its signatures and what its help says. */
async function* described(requester: Requester, path: string): AsyncGenerator<Output> {
  const names = await callXmlRpc(requester, path, { method: "system.listMethods", args: [] });
  if (!Array.isArray(names)) throw new PortholeError("protocol", "system.listMethods gave no list");
  for (const name of names) {
    if (typeof name !== "string") continue;
    const help = await optional(requester, path, "system.methodHelp", name);
    const signatures = await optional(requester, path, "system.methodSignature", name);
    // A server that knows none says so in a text.
    const known = Array.isArray(signatures) ? signatures.filter((one) => Array.isArray(one)) : [];
    const shapes = known.map((one) => one.map(String));
    const text = typeof help === "string" ? help : "";
    const heads = shapes.map(([result = "", ...args]) => `${name}(${args.join(", ")}) -> ${result}`);
    yield {
      kind: "record",
      text: [
        ...(heads.length > 0 ? heads : [name]),
        ...text
          .split("\n")
          .filter(Boolean)
          .map((line) => `    ${line.trim()}`),
      ].join("\n"),
      data: { method: name, signatures: shapes, help: text },
    };
  }
}

async function optional(
  requester: Requester,
  path: string,
  method: string,
  name: string,
): Promise<XmlRpcValue> {
  try {
    return await callXmlRpc(requester, path, { method, args: [name] });
  } catch (thrown) {
    if (thrown instanceof PortholeError && thrown.code === "refused") return null;
    throw thrown;
  }
}

/** A list of plain values a line each; what has structure as JSON. */
function* shown(value: XmlRpcValue): Generator<Output> {
  yield { kind: "record", text: lines(value).join("\n"), data: { value: toJson(value) } };
}

function lines(value: XmlRpcValue): string[] {
  const json = toJson(value);
  if (typeof json === "string") return [json];
  if (Array.isArray(json) && json.length > 0 && json.every((one) => typeof one !== "object")) {
    return json.map(String);
  }
  return [JSON.stringify(json, null, 2)];
}

function record(method: string, data: JsonObject, text: readonly string[]): Output {
  return { kind: "record", text: `${method}: ${text.join("\n")}`, data: { method, ...data } };
}
