/** Calls as XML. */
import { PortholeError } from "../../../src/errors.js";
import { escapeXml } from "../xml.js";
import { XmlRpcDateTime, XmlRpcDouble, type XmlRpcValue } from "./value.js";

const DEEPEST = 50;
const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;

/** @throws PortholeError `usage` for what XML-RPC has no form for */
export function encodeCall(method: string, args: readonly XmlRpcValue[]): Buffer {
  const params = args.map((arg) => `<param>${encodeValue(arg)}</param>`).join("");
  return Buffer.from(
    `<?xml version="1.0"?>\n<methodCall><methodName>${escapeXml(method)}</methodName><params>${params}</params></methodCall>\n`,
    "utf8",
  );
}

export function encodeValue(value: XmlRpcValue, depth = 0): string {
  if (depth > DEEPEST) throw new PortholeError("usage", `values are nested more than ${DEEPEST} deep`);
  return `<value>${typed(value, depth)}</value>`;
}

function typed(value: XmlRpcValue, depth: number): string {
  if (value === null) return "<nil/>";
  if (typeof value === "boolean") return `<boolean>${value ? 1 : 0}</boolean>`;
  if (typeof value === "string") return `<string>${text(value)}</string>`;
  if (typeof value === "bigint") return whole(value);
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? whole(BigInt(value)) : double(value);
  }
  if (value instanceof XmlRpcDouble) return double(value.value);
  if (value instanceof Date) return dateTime(XmlRpcDateTime.from(value).text);
  if (value instanceof XmlRpcDateTime) return dateTime(value.text);
  if (value instanceof Uint8Array) {
    return `<base64>${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64")}</base64>`;
  }
  if (isList(value)) {
    return `<array><data>${value.map((one) => encodeValue(one, depth + 1)).join("")}</data></array>`;
  }
  const members = Object.entries(value).map(
    ([name, one]) => `<member><name>${text(name)}</name>${encodeValue(one, depth + 1)}</member>`,
  );
  return `<struct>${members.join("")}</struct>`;
}

function isList(value: XmlRpcValue): value is readonly XmlRpcValue[] {
  return Array.isArray(value);
}

function whole(value: bigint): string {
  if (value >= INT_MIN && value <= INT_MAX) return `<int>${value}</int>`;
  if (BigInt.asIntN(64, value) === value) return `<i8>${value}</i8>`;
  throw new PortholeError("usage", `${value} does not fit into an integer of 64 bits`);
}

function double(value: number): string {
  if (!Number.isFinite(value)) throw new PortholeError("usage", `XML-RPC has no ${value}`);
  // The specification wants no exponent; whoever reads 1e21 reads it as well, and nothing else fits.
  return `<double>${Object.is(value, -0) ? "-0" : String(value)}</double>`;
}

function dateTime(given: string): string {
  return `<dateTime.iso8601>${text(given)}</dateTime.iso8601>`;
}

function text(value: string): string {
  // XML 1.0, 2.2: these cannot stand there, even escaped.
  if (
    /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(
      value,
    )
  ) {
    throw new PortholeError("usage", "a text with control characters cannot be sent in XML", {
      hint: "send it as base64",
    });
  }
  return escapeXml(value);
}
