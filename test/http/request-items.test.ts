import { describe, expect, it } from "vitest";
import { nestedJson } from "../../protocols/http/nested-json.js";
import { parseRequestItem } from "../../protocols/http/request-items.js";

describe("a request item", () => {
  it.each([
    ["name=lamp", { kind: "field", name: "name", value: "lamp" }],
    ["name=", { kind: "field", name: "name", value: "" }],
    ["watts:=30", { kind: "json", name: "watts", text: "30" }],
    ["plan@plan.pdf", { kind: "upload", name: "plan", file: "plan.pdf" }],
    ["plan@plan;type=a/b", { kind: "upload", name: "plan", file: "plan", type: "a/b" }],
    ["X-Trace:1", { kind: "header", name: "X-Trace", value: "1" }],
    ["X-Trace: 1 2 ", { kind: "header", name: "X-Trace", value: "1 2" }],
    ["Referer:http://a/?b=c", { kind: "header", name: "Referer", value: "http://a/?b=c" }],
    ["Accept:", { kind: "no-header", name: "Accept" }],
    ["X-Empty;", { kind: "header", name: "X-Empty", value: "" }],
    ["X-File:@note.txt", { kind: "header-file", name: "X-File", file: "note.txt" }],
    ["q==a=b", { kind: "query", name: "q", value: "a=b" }],
    ["q==@words", { kind: "query-file", name: "q", file: "words" }],
    ["text=@note.txt", { kind: "field-file", name: "text", file: "note.txt" }],
    ["data:=@a.json", { kind: "json-file", name: "data", file: "a.json" }],
    ["@body.bin", { kind: "body", file: "body.bin" }],
    ["@-", { kind: "body", file: "-" }],
    // What a backslash hides is part of the name.
    ["a\\:b=c", { kind: "field", name: "a:b", value: "c" }],
    ["a\\=b:=1", { kind: "json", name: "a=b", text: "1" }],
    ["a\\@b=c\\=d", { kind: "field", name: "a@b", value: "c\\=d" }],
    ["mail=me@example.org", { kind: "field", name: "mail", value: "me@example.org" }],
    ["when=12:30", { kind: "field", name: "when", value: "12:30" }],
  ])("%s", (word, item) => {
    expect(parseRequestItem(word)).toEqual(item);
  });

  it.each([
    ["lamp", "no request item"],
    ["=lamp", "no name before its ="],
    ["X-Empty;x", "nothing after its ;"],
    ["a b:c", "cannot be the name of a header"],
    ["X:a\r\nY: b", "a header"],
    ["a=\0", "a request item"],
  ])("%j is refused", (word, words) => {
    expect(() => parseRequestItem(word)).toThrow(expect.objectContaining({ code: "usage" }));
    expect(() => parseRequestItem(word)).toThrow(words);
  });
});

describe("fields as JSON", () => {
  it.each([
    [[["a", 1]], { a: 1 }],
    [
      [
        ["a[b]", 1],
        ["a[c]", 2],
      ],
      { a: { b: 1, c: 2 } },
    ],
    [
      [
        ["a[]", 1],
        ["a[]", 2],
      ],
      { a: [1, 2] },
    ],
    [[["a[2]", "x"]], { a: [null, null, "x"] }],
    [[["a[b][0][c]", true]], { a: { b: [{ c: true }] } }],
    [
      [
        ["[]", 1],
        ["[]", 2],
      ],
      [1, 2],
    ],
    [[["a\\[b\\]", 1]], { "a[b]": 1 }],
    [[["a[b", 1]], { "a[b": 1 }],
    [
      [
        ["a", 1],
        ["a", 2],
      ],
      { a: 2 },
    ],
  ] as const)("%j", (fields, json) => {
    expect(nestedJson(fields)).toEqual(json);
  });

  it("keeps a key called __proto__ a key", () => {
    expect(JSON.stringify(nestedJson([["__proto__[polluted]", true]]))).toBe(
      '{"__proto__":{"polluted":true}}',
    );
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  it("refuses paths that contradict each other, and lists without end", () => {
    expect(() =>
      nestedJson([
        ["a", 1],
        ["a[b]", 2],
      ]),
    ).toThrow("contradicts");
    expect(() =>
      nestedJson([
        ["a[b]", 1],
        ["a[]", 2],
      ]),
    ).toThrow("contradicts");
    expect(() => nestedJson([["a[999999999]", 1]])).toThrow("that long");
  });
});
