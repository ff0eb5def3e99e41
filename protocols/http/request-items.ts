/** HTTPie's request items: `name=value`, `name:=json`, `Header:value` and the rest, taken apart. No files are read here. */
import { PortholeError } from "../../src/errors.js";
import { refuseControls } from "../../src/url.js";

export type RequestItem =
  /** `Header:value`. */
  | { readonly kind: "header"; readonly name: string; readonly value: string }
  /** `Header:@file`. */
  | { readonly kind: "header-file"; readonly name: string; readonly file: string }
  /** `Header:`: not sent, though Porthole would. */
  | { readonly kind: "no-header"; readonly name: string }
  /** `name==value`. */
  | { readonly kind: "query"; readonly name: string; readonly value: string }
  /** `name==@file`. */
  | { readonly kind: "query-file"; readonly name: string; readonly file: string }
  /** `name=value`, a text. */
  | { readonly kind: "field"; readonly name: string; readonly value: string }
  /** `name=@file`, a text from a file. */
  | { readonly kind: "field-file"; readonly name: string; readonly file: string }
  /** `name:=json`. */
  | { readonly kind: "json"; readonly name: string; readonly text: string }
  /** `name:=@file`. */
  | { readonly kind: "json-file"; readonly name: string; readonly file: string }
  /** `name@file`, with `;type=` its media type. */
  | { readonly kind: "upload"; readonly name: string; readonly file: string; readonly type?: string }
  /** `@file`: the whole body. `@-`: standard input. */
  | { readonly kind: "body"; readonly file: string };

/** Longest first: of those that begin at the same place the longest counts. */
const SEPARATORS = [":=@", "==@", ":=", "==", "=@", ":@", "=", ":", ";", "@"] as const;
type Separator = (typeof SEPARATORS)[number];

/** @throws PortholeError `usage` for a word that is no item */
export function parseRequestItem(word: string): RequestItem {
  refuseControls(word.replace(/[\r\n]/g, " "), "a request item");
  const found = separated(word);
  if (found === undefined) {
    throw new PortholeError("usage", `'${word}' is no request item`, {
      hint: "write name=value, name:=json, name@file, Header:value or name==value",
    });
  }
  const { name, separator, value } = found;
  if (name === "" && separator !== "@") {
    throw new PortholeError("usage", `'${word}' has no name before its ${separator}`);
  }
  switch (separator) {
    case ":":
      if (value === "") return { kind: "no-header", name: headerName(name) };
      return { kind: "header", name: headerName(name), value: headerText(value) };
    case ";":
      if (value !== "") {
        throw new PortholeError("usage", `'${word}': an empty header has nothing after its ;`, {
          hint: `${name}:value sends a value`,
        });
      }
      return { kind: "header", name: headerName(name), value: "" };
    case ":@":
      return { kind: "header-file", name: headerName(name), file: value };
    case "==":
      return { kind: "query", name, value };
    case "==@":
      return { kind: "query-file", name, file: value };
    case "=":
      return { kind: "field", name, value };
    case "=@":
      return { kind: "field-file", name, file: value };
    case ":=":
      return { kind: "json", name, text: value };
    case ":=@":
      return { kind: "json-file", name, file: value };
    case "@": {
      if (name === "") return { kind: "body", file: value };
      const [, file = "", type] = /^(.*?)(?:;type=([^;]+))?$/s.exec(value) ?? [];
      return { kind: "upload", name, file, ...(type === undefined ? {} : { type }) };
    }
  }
}

/** Cut at the first separator that no backslash stands before; the backslashes that hid one are taken away. */
function separated(word: string): { name: string; separator: Separator; value: string } | undefined {
  let name = "";
  for (let at = 0; at < word.length; at++) {
    const char = word.charAt(at);
    const next = word.charAt(at + 1);
    if (char === "\\" && (next === "\\" || /[:;=@]/.test(next))) {
      // `\\` hides itself only where a separator follows; a path of Windows stays as it is.
      name += next === "\\" ? "\\" : next;
      at += 1;
      continue;
    }
    const separator = SEPARATORS.find((one) => word.startsWith(one, at));
    if (separator !== undefined) return { name, separator, value: word.slice(at + separator.length) };
    name += char;
  }
  return undefined;
}

function headerName(name: string): string {
  if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return name;
  throw new PortholeError("usage", `'${name}' cannot be the name of a header`, {
    hint: "a colon that belongs to the name of a field is written \\:",
  });
}

function headerText(value: string): string {
  refuseControls(value, "a header");
  return value.trim();
}
