/** Arguments as they are typed: texts, `:=` JSON, `type:` values. And values as JSON. */
import { readFile } from "node:fs/promises";
import { localError, PortholeError } from "../../../src/errors.js";
import type { JsonValue } from "../../../src/plugin.js";
import { type ExactJson, ExactNumber, isJsonList, parseExactJson } from "../../../src/text/exact-json.js";
import { isStruct } from "./decode.js";
import { XmlRpcDateTime, XmlRpcDouble, type XmlRpcValue } from "./value.js";

const TYPED = /^(int|i4|i8|double|boolean|string|dateTime|base64|nil):(.*)$/s;

/**
 * `text` is a string. `:=3`, `:=true`, `:=[1, 2]`, `:={"a": null}` are JSON; in JSON an object `{"$dateTime": "..."}`,
 * `{"$base64": "..."}`, `{"$double": 1}` or `{"$i8": "..."}` is such a value. `int:`, `i8:`, `double:`, `boolean:`,
 * `dateTime:`, `base64:` (or `base64:@FILE`), `nil:` and `string:` name a type.
 * @throws PortholeError `usage`, `local`
 */
export async function argumentOf(word: string): Promise<XmlRpcValue> {
  if (word.startsWith(":=")) return fromJson(parsed(word.slice(2)));
  const [, type, text = ""] = TYPED.exec(word) ?? [];
  return type === undefined ? word : typed(type, text);
}

async function typed(type: string, text: string): Promise<XmlRpcValue> {
  switch (type) {
    case "int":
    case "i4":
    case "i8":
      if (!/^[+-]?\d{1,20}$/.test(text)) throw noValue(type, text);
      return BigInt(text.replace(/^\+/, ""));
    case "double":
      if (text.trim() === "" || !Number.isFinite(Number(text))) throw noValue(type, text);
      return new XmlRpcDouble(Number(text));
    case "boolean":
      if (/^(?:1|true)$/.test(text)) return true;
      if (/^(?:0|false)$/.test(text)) return false;
      throw noValue(type, text);
    case "dateTime":
      return dateTimeOf(text);
    case "base64":
      return text.startsWith("@") ? contentOf(text.slice(1)) : base64Of(text);
    case "nil":
      if (text !== "") throw noValue(type, text);
      return null;
    default:
      return text;
  }
}

/** ISO 8601, or `now`; the zone is taken away by going to UTC. */
function dateTimeOf(text: string): XmlRpcDateTime {
  if (text === "now") return XmlRpcDateTime.from(new Date());
  const plain = /^(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d)(?::?(\d\d))?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (plain === null) throw noValue("dateTime", text);
  const [, year, month, day, hour, minute, second = "00", zone] = plain;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const date = new Date(`${iso}${zone?.replace(/^([+-]\d\d)(\d\d)$/, "$1:$2") ?? "Z"}`);
  if (Number.isNaN(date.getTime())) throw noValue("dateTime", text);
  return XmlRpcDateTime.from(date);
}

function base64Of(text: string): Buffer {
  const octets = Buffer.from(text, "base64");
  // What does not come back as it was, but for blanks and padding, was no base64: Node passes over what it cannot read.
  const bare = (words: string) => words.replace(/\s|=+\s*$/g, "");
  if (bare(octets.toString("base64")) !== bare(text)) throw noValue("base64", text);
  return octets;
}

const MOST_OCTETS = 16 * 1024 * 1024;

async function contentOf(file: string): Promise<Buffer> {
  try {
    const octets = await readFile(file);
    if (octets.length > MOST_OCTETS) throw new PortholeError("usage", `${file} is too large for a value`);
    return octets;
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

function fromJson(value: ExactJson): XmlRpcValue {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof ExactNumber) return longNumber(value.text);
  if (isJsonList(value)) return value.map(fromJson);
  const entries = Object.entries(value);
  const [only] = entries;
  if (only !== undefined && entries.length === 1) {
    const [name, content] = only;
    if (name === "$dateTime" && typeof content === "string") return dateTimeOf(content);
    if (name === "$base64" && typeof content === "string") return base64Of(content);
    if (name === "$double" && content instanceof ExactNumber) return new XmlRpcDouble(Number(content.text));
    if (name === "$double" && typeof content === "number") return new XmlRpcDouble(content);
    if (name === "$i8" && typeof content === "string" && /^-?\d{1,20}$/.test(content)) return BigInt(content);
  }
  return Object.fromEntries(
    entries.map(([name, one]): [string, XmlRpcValue] => [name, fromJson(one ?? null)]),
  );
}

/** Dates as ISO 8601, octets as base64, integers beyond JSON's as texts. */
export function toJson(value: XmlRpcValue): JsonValue {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof XmlRpcDateTime) return value.toString();
  if (value instanceof XmlRpcDouble) return value.value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (!isStruct(value)) return value.map(toJson);
  return Object.fromEntries(
    Object.entries(value).map(([name, one]): [string, JsonValue] => [name, toJson(one)]),
  );
}

/** An integer that JavaScript's numbers would round is an i8, and refused where it does not fit into that. */
function longNumber(text: string): bigint | number {
  if (/^-?\d+$/.test(text)) return BigInt(text);
  const value = Number(text);
  if (!Number.isFinite(value)) throw noValue("double", text);
  return value;
}

function parsed(text: string): ExactJson {
  try {
    return parseExactJson(text);
  } catch {
    throw new PortholeError("usage", `'${text}' is no JSON`, { hint: "without := it is a text" });
  }
}

function noValue(type: string, text: string): PortholeError {
  return new PortholeError("usage", `'${text}' is no ${type}`, {
    hint: `string:${type}:${text} sends it as a text`,
  });
}
