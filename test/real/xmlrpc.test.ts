/** Python's own xmlrpc.server, which most services that are left are made of. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { XmlRpcDateTime, xmlrpc } from "../../protocols/http/library.js";
import { Client } from "../../src/client.js";
import { perform } from "../http/performed.js";

const PROGRAM = ["/usr/bin/python3", "/usr/local/bin/python3"].find((path) => existsSync(path));

const SERVER = `
import sys, datetime
from xmlrpc.server import SimpleXMLRPCServer, SimpleXMLRPCRequestHandler
from xmlrpc.client import Fault, Binary
class Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/RPC2", "/private")
    def do_POST(self):
        if self.path == "/private" and self.headers.get("Authorization") != "Basic bWU6cHc=":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="harbour"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.rfile_key = self.headers.get("X-Key", "")
        Handler.key = self.rfile_key
        super().do_POST()
def kind(value):
    "What Python takes a value for."
    return type(value).__name__
def same(value):
    return value
def add(a, b):
    "The sum."
    return a + b
def fail():
    raise Fault(42, "the lamp is out")
def crash():
    return 1 / 0
def large(n):
    return "x" * n
server = SimpleXMLRPCServer(("127.0.0.1", 0), Handler, logRequests=False, allow_none=True, use_builtin_types=True)
server.register_introspection_functions()
server.register_multicall_functions()
for function in (kind, same, fail, crash, large):
    server.register_function(function)
server.register_function(add, "math.add")
server.register_function(lambda: Handler.key, "key")
print(server.server_address[1], flush=True)
server.serve_forever()
`;

const TITLE = PROGRAM === undefined ? "Python's xmlrpc (python3 not installed)" : "Python's xmlrpc";

describe.skipIf(PROGRAM === undefined)(TITLE, () => {
  let child: ChildProcess;
  let url = "";

  beforeAll(async () => {
    child = spawn(PROGRAM ?? "", ["-I", "-c", SERVER], { stdio: ["ignore", "pipe", "ignore"] });
    const port = await new Promise<string>((resolve, reject) => {
      child.stdout?.once("data", (octets: Buffer) => resolve(octets.toString().trim()));
      child.once("exit", (status) => reject(new Error(`python3 ended with status ${status}`)));
    });
    url = `http://127.0.0.1:${port}/RPC2`;
  });
  afterAll(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  });

  it.each([
    ["lamp", "str"],
    [":=7", "int"],
    ["i8:9007199254740993", "int"],
    ["double:1", "float"],
    ["boolean:true", "bool"],
    ["nil:", "NoneType"],
    ["dateTime:2024-03-01T08:30:15", "datetime"],
    ["base64:aGk=", "bytes"],
    [":=[1]", "list"],
    [':={"a":1}', "dict"],
  ])("takes %s for a %s", async (word, kind) => {
    const { records } = await perform("xmlrpc", [url, "kind", word]);
    expect(records).toEqual([{ value: kind }]);
  });

  it("gives every value back", async () => {
    const client = new Client();
    const value = {
      int: -5,
      double: 0.25,
      yes: true,
      nil: null,
      text: "Grüße <&> ]]> \n\t ",
      octets: Buffer.from([0, 255, 10]),
      when: new XmlRpcDateTime("20240301T08:30:15"),
      list: [[], {}, [""]],
    };
    expect(await xmlrpc(client, url, "same", value)).toEqual(value);
  });

  it("is asked what it can", async () => {
    const { records } = await perform("xmlrpc", [url, "system.listMethods"]);
    expect(records[0]?.["value"]).toEqual(expect.arrayContaining(["kind", "math.add", "system.methodHelp"]));
    expect((await perform("xmlrpc", [url, "system.methodHelp", "kind"])).records).toEqual([
      { value: "What Python takes a value for." },
    ]);
    const described = await perform("xmlrpc", [url], { describe: true });
    expect(described.records).toContainEqual({ method: "math.add", signatures: [], help: "The sum." });
  });

  it("faults with code and text, also for what went wrong within", async () => {
    expect((await perform("xmlrpc", [url, "fail"])).failure).toMatchObject({
      code: "refused",
      message: "fail failed with fault 42",
      reply: "the lamp is out",
    });
    expect((await perform("xmlrpc", [url, "crash"])).failure?.reply).toContain("ZeroDivisionError");
    expect((await perform("xmlrpc", [url, "lost"])).failure?.reply).toContain("not supported");
  });

  it("does many calls at once: exit 13 when some fail", async () => {
    const { records, told, failure } = await perform(
      "xmlrpc",
      [url, "math.add", ":=1", ":=2", ":", "fail", ":", "same", "x"],
      { multicall: true },
    );
    expect(records).toEqual([
      { method: "math.add", value: 3 },
      { method: "fail", fault: { code: 42, text: "the lamp is out" } },
      { method: "same", value: "x" },
    ]);
    expect(told).toEqual(["fail failed with fault 42 (the lamp is out)"]);
    expect(failure).toMatchObject({ code: "partial", exit: 13 });
  });

  it("answers with gzip, takes headers, and wants a login", async () => {
    const { records } = await perform("xmlrpc", [url, "large", ":=20000"]);
    expect(records[0]?.["value"]).toBe("x".repeat(20_000));
    await perform("xmlrpc", [url, "same", "x"], { header: ["X-Key: lamp"] });
    expect((await perform("xmlrpc", [url, "key"], { header: ["X-Key: lamp"] })).records).toEqual([
      { value: "lamp" },
    ]);
    const hidden = url.replace("/RPC2", "/private");
    expect((await perform("xmlrpc", [hidden, "same", "x"])).failure).toMatchObject({ code: "auth", exit: 7 });
    const open = hidden.replace("//", "//me:pw@");
    expect((await perform("xmlrpc", [open, "same", "x"])).records).toEqual([{ value: "x" }]);
    expect((await perform("xmlrpc", [url.replace("/RPC2", "/lost"), "a"])).failure).toMatchObject({
      code: "missing",
    });
  });
});
