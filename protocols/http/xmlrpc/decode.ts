/** Answers out of XML. */
import { PortholeError } from "../../../src/errors.js";
import { childNamed, childrenNamed, parseXml, type XmlElement } from "../xml.js";
import { XmlRpcDateTime, type XmlRpcFault, type XmlRpcValue } from "./value.js";

export type XmlRpcAnswer = { readonly value: XmlRpcValue } | { readonly fault: XmlRpcFault };

/** @throws PortholeError `protocol` for what is no methodResponse */
export async function decodeAnswer(octets: Buffer): Promise<XmlRpcAnswer> {
  const root = await parseXml(octets);
  if (root.name !== "methodResponse") throw improper(`it is a ${root.name}, not a methodResponse`);
  const fault = childNamed(root, "fault");
  if (fault !== undefined) return { fault: faultOf(valueIn(fault)) };
  const params = childNamed(root, "params");
  if (params === undefined) throw improper("it has neither params nor a fault");
  const [param, ...more] = childrenNamed(params, "param");
  if (more.length > 0) throw improper("it has more than one value");
  // Some servers of methods that return nothing send none.
  return { value: param === undefined ? null : valueIn(param) };
}

/** A struct with faultCode and faultString; anything else is shown as it is. */
export function faultOf(value: XmlRpcValue): XmlRpcFault {
  const members = isStruct(value) ? value : {};
  const { faultCode, faultString } = members;
  return {
    code: typeof faultCode === "number" ? faultCode : Number(faultCode ?? 0) || 0,
    text: typeof faultString === "string" ? faultString : "",
  };
}

export function isStruct(
  value: XmlRpcValue | undefined,
): value is { readonly [member: string]: XmlRpcValue } {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof XmlRpcDateTime)
  );
}

function valueIn(parent: XmlElement): XmlRpcValue {
  const value = childNamed(parent, "value");
  if (value === undefined) throw improper(`a ${parent.name} has no value`);
  return decodeValue(value);
}

function decodeValue(value: XmlElement): XmlRpcValue {
  const [type] = value.children;
  // The specification: a value without a type is a string.
  if (type === undefined) return value.text;
  const text = type.text.trim();
  switch (type.name) {
    case "string":
      return type.text;
    case "int":
    case "i4":
    case "i1":
    case "i2":
    case "i8":
    case "biginteger":
      return integer(text);
    case "double":
    case "float":
    case "bigdecimal": {
      const number = Number(text);
      if (text === "" || Number.isNaN(number)) throw improper(`'${text}' is no double`);
      return number;
    }
    case "boolean":
      if (text === "1" || text === "true") return true;
      if (text === "0" || text === "false") return false;
      throw improper(`'${text}' is no boolean`);
    case "nil":
      return null;
    case "dateTime.iso8601":
    case "dateTime":
      return new XmlRpcDateTime(text);
    case "base64":
      if (!/^[A-Za-z0-9+/=\s]*$/.test(text)) throw improper("base64 with other characters in it");
      return Buffer.from(text, "base64");
    case "array": {
      const data = childNamed(type, "data");
      return childrenNamed(data ?? type, "value").map(decodeValue);
    }
    case "struct":
      // Not by assignment: a member may be called __proto__.
      return Object.fromEntries(
        childrenNamed(type, "member").map((member): [string, XmlRpcValue] => [
          childNamed(member, "name")?.text ?? "",
          valueIn(member),
        ]),
      );
    default:
      throw improper(`it has a value of the unknown type '${type.name}'`);
  }
}

function integer(text: string): number | bigint {
  if (!/^[+-]?\d{1,40}$/.test(text)) throw improper(`'${text}' is no integer`);
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text.replace(/^\+/, ""));
}

function improper(why: string): PortholeError {
  return new PortholeError("protocol", `this is no answer of XML-RPC: ${why}`);
}
