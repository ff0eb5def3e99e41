import { describe, expect, it } from "vitest";
import { scripted } from "../../fixtures/servers/scripted.js";
import { xmlrpc, xmlrpcMany } from "../../protocols/http/library.js";
import { decodeAnswer } from "../../protocols/http/xmlrpc/decode.js";
import { encodeValue } from "../../protocols/http/xmlrpc/encode.js";
import { XmlRpcDateTime, XmlRpcDouble, type XmlRpcValue } from "../../protocols/http/xmlrpc/value.js";
import { argumentOf, toJson } from "../../protocols/http/xmlrpc/words.js";
import { Client } from "../../src/client.js";
import { answered, asked, sent } from "./over-client.js";
import { perform } from "./performed.js";

function response(value: string): Buffer {
  return Buffer.from(
    `<?xml version="1.0"?><methodResponse><params><param><value>${value}</value></param></params></methodResponse>`,
  );
}

async function valueIn(xml: string) {
  const answer = await decodeAnswer(response(xml));
  if ("fault" in answer) throw new Error("a fault");
  return answer.value;
}

describe("a value", () => {
  const OUTGOING: readonly (readonly [XmlRpcValue, string])[] = [
    [1, "<int>1</int>"],
    [-(2 ** 31), "<int>-2147483648</int>"],
    [2 ** 31, "<i8>2147483648</i8>"],
    [2n ** 62n, "<i8>4611686018427387904</i8>"],
    [1.5, "<double>1.5</double>"],
    [new XmlRpcDouble(1), "<double>1</double>"],
    [true, "<boolean>1</boolean>"],
    [false, "<boolean>0</boolean>"],
    [null, "<nil/>"],
    ['a<b> & "c"', "<string>a&lt;b&gt; &amp; &quot;c&quot;</string>"],
    [new Date("2024-03-01T08:30:15Z"), "<dateTime.iso8601>20240301T08:30:15</dateTime.iso8601>"],
    [Buffer.from("hi"), "<base64>aGk=</base64>"],
    [[1, "a"], "<array><data><value><int>1</int></value><value><string>a</string></value></data></array>"],
    [
      { a: { b: null } },
      "<struct><member><name>a</name><value><struct><member><name>b</name><value><nil/></value></member></struct></value></member></struct>",
    ],
  ];
  it.each(OUTGOING.map(([value, xml]) => [xml, value] as const))("%s goes out", (xml, value) => {
    expect(encodeValue(value)).toBe(`<value>${xml}</value>`);
  });

  const UNFIT: readonly (readonly [string, XmlRpcValue])[] = [
    ["a number without end", Number.POSITIVE_INFINITY],
    ["an integer of 65 bits", 2n ** 64n],
    ["a control character", "a\u0001b"],
    ["half a character", "\ud800"],
  ];
  it.each(UNFIT)("%s cannot go out", (_what, value) => {
    expect(() => encodeValue(value)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it.each([
    ["<int>7</int>", 7],
    ["<i4> -7 </i4>", -7],
    ["<i8>9007199254740993</i8>", 9_007_199_254_740_993n],
    ["<double>-1.5e3</double>", -1500],
    ["<boolean>1</boolean>", true],
    ["<nil/>", null],
    ["<ex:nil/>", null],
    ["untyped &lt;&#228;&gt;", "untyped <ä>"],
    ["<string> kept </string>", " kept "],
    ["<string/>", ""],
    ["", ""],
    ["<string><![CDATA[<b>&amp;]]></string>", "<b>&amp;"],
    ["<base64>aG\nk=</base64>", Buffer.from("hi")],
    ["<dateTime.iso8601>20240301T08:30:15</dateTime.iso8601>", new XmlRpcDateTime("20240301T08:30:15")],
    ["<array><data/></array>", []],
    ["<array><data><value>a</value><value><int>1</int></value></data></array>", ["a", 1]],
    ["\n  <struct>\n <member> <name>a</name> <value>b</value> </member></struct>\n", { a: "b" }],
  ])("%s comes in", async (xml, value) => {
    expect(await valueIn(xml)).toEqual(value);
  });

  it.each([
    "<int>x</int>",
    "<int/>",
    "<double/>",
    "<boolean>2</boolean>",
    "<base64>%</base64>",
    "<unknown/>",
    "<struct><member><name>a</name></member></struct>",
  ])("%s is none", async (xml) => {
    await expect(valueIn(xml)).rejects.toMatchObject({ code: "protocol" });
  });

  it("a member called __proto__ is a member", async () => {
    const value = await valueIn("<struct><member><name>__proto__</name><value>x</value></member></struct>");
    expect(Object.entries(value ?? {})).toEqual([["__proto__", "x"]]);
  });

  it("a date is one of UTC unless it says otherwise", () => {
    expect(new XmlRpcDateTime("20240301T08:30:15").toDate().toISOString()).toBe("2024-03-01T08:30:15.000Z");
    expect(new XmlRpcDateTime("2024-03-01T08:30:15+01:00").toDate().toISOString()).toBe(
      "2024-03-01T07:30:15.000Z",
    );
    expect(new XmlRpcDateTime("soon").toDate().getTime()).toBeNaN();
  });
});

describe("hostile XML", () => {
  it.each([
    [
      "entities that grow",
      '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><methodResponse>&b;</methodResponse>',
    ],
    [
      "an entity that is a file",
      '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><methodResponse>&a;</methodResponse>',
    ],
    ["too deep", `<methodResponse>${"<array>".repeat(100_000)}`],
    ["too deep and closed", `<methodResponse>${"<a>".repeat(5000)}${"</a>".repeat(5000)}</methodResponse>`],
    ["cut", "<methodResponse><params><param><value><int>1"],
    ["crossed", "<methodResponse><params></methodResponse></params>"],
    ["nothing", ""],
    ["no XML", "{}"],
    ["another document", "<html/>"],
    ["neither params nor fault", "<methodResponse/>"],
    ["a charset that is none", Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e])],
  ])("%s", async (_what, xml) => {
    await expect(decodeAnswer(Buffer.from(xml))).rejects.toMatchObject({ code: "protocol", exit: 11 });
  });
});

describe("an argument as it is typed", () => {
  it.each([
    ["lamp", "lamp"],
    ["7", "7"],
    ["http://example.org/", "http://example.org/"],
    [":=7", 7],
    [':=[1,null,{"a":true}]', [1, null, { a: true }]],
    ["string:int:7", "int:7"],
    ["int:-7", -7n],
    ["i8:9007199254740993", 9_007_199_254_740_993n],
    ["double:1", new XmlRpcDouble(1)],
    ["boolean:true", true],
    ["boolean:0", false],
    ["nil:", null],
    ["base64:aGk=", Buffer.from("hi")],
    ["dateTime:2024-03-01T08:30:15", new XmlRpcDateTime("20240301T08:30:15")],
    ["dateTime:20240301T08:30:15", new XmlRpcDateTime("20240301T08:30:15")],
    ["dateTime:2024-03-01T08:30:15+0100", new XmlRpcDateTime("20240301T07:30:15")],
    [':={"when": {"$dateTime": "2024-03-01T08:30"}}', { when: new XmlRpcDateTime("20240301T08:30:00") }],
    [':={"$base64": "aGk="}', Buffer.from("hi")],
    [':={"$double": 1}', new XmlRpcDouble(1)],
    [':={"$i8": "9007199254740993"}', 9_007_199_254_740_993n],
    [":=[9007199254740993, 1e-200]", [9_007_199_254_740_993n, 1e-200]],
    [':={"$double": 9007199254740993}', new XmlRpcDouble(9_007_199_254_740_992)],
  ])("%s", async (word, value) => {
    expect(await argumentOf(word)).toEqual(value);
  });

  it.each([
    ":=x",
    "int:x",
    "double:",
    "boolean:yes",
    "nil:x",
    "base64:%",
    "base64:hello",
    "dateTime:soon",
    "dateTime:2024-13-01T00:00",
    ":=1e400",
  ])("%s is refused", async (word) => {
    await expect(argumentOf(word)).rejects.toMatchObject({ code: "usage" });
  });

  it("values as JSON: dates as ISO 8601, octets as base64, large integers as texts", () => {
    expect(
      toJson([new XmlRpcDateTime("20240301T08:30:15"), Buffer.from("hi"), 2n ** 62n, { a: null }]),
    ).toEqual(["2024-03-01T08:30:15", "aGk=", "4611686018427387904", { a: null }]);
  });
});

describe("a call", () => {
  const fault =
    "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>4</int></value></member><member><name>faultString</name><value>Too many lamps</value></member></struct></value></fault></methodResponse>";

  it("is a POST of text/xml, and its answer the value", async () => {
    await using server = await scripted(
      asked()
        .expectUntil("</methodCall>\n")
        .and(answered("200 OK", ["Content-Type: text/xml"], response("<int>5</int>")))
        .drain(),
    );
    const { records, failure } = await perform(
      "xmlrpc",
      [server.url("http", "/RPC2"), "math.add", ":=2", "int:3"],
      {
        header: ["X-Key: 1"],
      },
    );
    expect(failure).toBeUndefined();
    expect(records).toEqual([{ value: 5 }]);
    expect(sent(server, "content-type")).toEqual(["text/xml"]);
    expect(sent(server, "x-key")).toEqual(["1"]);
    expect(server.received.toString()).toContain(
      "<methodName>math.add</methodName><params><param><value><int>2</int></value></param><param><value><int>3</int></value></param></params>",
    );
  });

  it("that fails is an error with the fault's code and text", async () => {
    await using server = await scripted(
      asked()
        .expectUntil("</methodCall>\n")
        .and(answered("200 OK", [], fault))
        .drain(),
    );
    const { failure } = await perform("xmlrpc", [server.url("http", "/RPC2"), "lamp.add"]);
    expect(failure).toMatchObject({
      code: "refused",
      exit: 9,
      message: "lamp.add failed with fault 4",
      reply: "Too many lamps",
    });
  });

  it("that meets a page, or a status, says so", async () => {
    await using page = await scripted(
      asked()
        .expectUntil("</methodCall>\n")
        .and(answered("200 OK", ["Content-Type: text/html"], "<p>hi"))
        .drain(),
    );
    expect((await perform("xmlrpc", [page.url("http", "/"), "a"])).failure).toMatchObject({
      code: "protocol",
      message: "the answer is a page, not XML-RPC",
    });
    await using lost = await scripted(
      asked().expectUntil("</methodCall>\n").and(answered("404 Not Found")).drain(),
    );
    expect((await perform("xmlrpc", [lost.url("http", "/"), "a"])).failure).toMatchObject({
      code: "missing",
    });
  });

  it("of a name that cannot be is refused, and --offline sends nothing", async () => {
    const { failure } = await perform("xmlrpc", ["http://127.0.0.1:1/", "a b"]);
    expect(failure).toMatchObject({ code: "usage" });
    const { text } = await perform("xmlrpc", ["http://127.0.0.1:1/", "a", "x"], { offline: true });
    expect(text).toContain("<methodName>a</methodName><params><param><value><string>x</string>");
  });

  it("from TypeScript, one and many", async () => {
    const results =
      "<array><data><value><array><data><value><int>1</int></value></data></array></value><value><struct><member><name>faultCode</name><value><int>4</int></value></member><member><name>faultString</name><value>no</value></member></struct></value></data></array>";
    await using server = await scripted([
      asked()
        .expectUntil("</methodCall>\n")
        .and(answered("200 OK", [], response("<nil/>")))
        .drain(),
      asked()
        .expectUntil("</methodCall>\n")
        .and(answered("200 OK", [], response(results)))
        .drain(),
    ]);
    const client = new Client();
    expect(await xmlrpc(client, server.url("http", "/RPC2"), "a.b", 1, ["x"])).toBeNull();
    const calls = [
      { method: "a", args: [] },
      { method: "b", args: [1] },
    ];
    expect(await xmlrpcMany(client, server.url("http", "/RPC2"), calls)).toEqual([
      { value: 1 },
      { fault: { code: 4, text: "no" } },
    ]);
  });
});
