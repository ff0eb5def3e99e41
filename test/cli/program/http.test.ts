/** `porthole http ...`, as people type it. */
import { execFileSync, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { objects, User } from "./program.js";

let user: User;
let sandbox: Sandbox;
let base: string;

beforeAll(async () => {
  [user, sandbox] = await Promise.all([User.create(), startSandbox({ only: ["http"] })]);
  base = sandbox.url("http");
});
afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

const http = (...args: readonly string[]) => user.run(["http", ...args]);

describe("http", () => {
  it("post: fields, a query, a header; the answer's octets alone", async () => {
    const { stdout, stderr, status } = await http(
      "post",
      `${base}echo`,
      "name=lamp",
      "watts:=30",
      "q==1",
      "X-Trace:1",
    );
    expect([stderr, status]).toEqual(["", 0]);
    expect(JSON.parse(stdout)).toMatchObject({
      method: "POST",
      url: "/echo?q=1",
      body: '{"name":"lamp","watts":30}',
      headers: { "x-trace": "1" },
    });
  });

  it("numbers go out as they were typed, however long they are", async () => {
    const { stdout } = await http("post", `${base}echo`, "id:=12345678901234567890", "a[b]:=[1e400]");
    expect(JSON.parse(stdout)).toMatchObject({ body: '{"id":12345678901234567890,"a":{"b":[1e400]}}' });
    const form = await http("post", `${base}echo`, "--form", "id:=12345678901234567890");
    expect(JSON.parse(form.stdout)).toMatchObject({ body: "id=12345678901234567890" });
  });

  it("a token needs no user name, and goes out with the first request", async () => {
    const authorization = async (...words: readonly string[]) => {
      const { stdout, stderr } = await http("get", `${base}echo`, ...words);
      expect(stderr).toBe("");
      return JSON.parse(stdout)["headers"]["authorization"];
    };
    expect(await authorization("--oauth2-token-command", "echo tok")).toBe("Bearer tok");
    expect(await authorization("--auth", "bearer", "-u", ":tok")).toBe("Bearer tok");
    expect(await authorization("--auth", "bearer", "--password-command", "echo tok")).toBe("Bearer tok");
    expect(await authorization("--password-command", "echo tok")).toBeUndefined();
  });

  it("a host is typed as it is read, in --resolve too", async () => {
    const { port } = new URL(base);
    const { stdout, stderr } = await http(
      "get",
      `http://bücher.example:${port}/echo`,
      "--resolve",
      `Bücher.example:${port}:127.0.0.1`,
    );
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ headers: { host: `xn--bcher-kva.example:${port}` } });
  });

  it("--raw is a text here, though it is none for sockets; - is standard input", async () => {
    const raw = await http("post", `${base}echo`, "--raw", "hello");
    expect(JSON.parse(raw.stdout)).toMatchObject({ body: "hello" });
    const input = await user.run(["http", "put", `${base}echo`, "-"], { input: "from a pipe" });
    expect(JSON.parse(input.stdout)).toMatchObject({ method: "PUT", body: "from a pipe" });
  });

  it("- is standard input in each item that takes a file, for one of them", async () => {
    const sent = async (input: string, ...items: readonly string[]) => {
      const { stdout, stderr } = await user.run(["http", "post", `${base}echo`, ...items], { input });
      return stderr === "" ? JSON.parse(stdout) : stderr;
    };
    expect((await sent('{"z":1}', "a:=@-")).body).toBe('{"a":{"z":1}}');
    expect((await sent("text", "a=@-")).body).toBe('{"a":"text"}');
    expect((await sent("a=1\n", "--data", "@-")).body).toBe("a=1");
    expect((await sent("token\n", "X-Trace:@-")).headers).toMatchObject({ "x-trace": "token" });
    const form = (await sent("octets", "--form", "a=1", "f@-")).body;
    expect(form).toContain('name="f"; filename="-"\r\n\r\noctets\r\n--');
    expect(await sent("octets", "--form", "a@-", "b@-")).toContain("standard input can be only one part");
  });

  it("get --data @- takes standard input, for each of its URLs", async () => {
    const { stdout, stderr } = await user.run(
      ["get", "--data", "a=1", "--data", "@-", `${base}echo`, `${base}echo`],
      {
        input: "b=2\n",
      },
    );
    expect(stderr).toBe("");
    const bodies = [...stdout.matchAll(/"body": ?"([^"]*)"/g)].map(([, body]) => body);
    expect(bodies).toEqual(["a=1&b=2", "a=1&b=2"]);
  });

  it("a form with a pipe in it is not sent once more without what the pipe held", async () => {
    const bodies: string[] = [];
    await using server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        bodies.push(Buffer.concat(pieces).toString("latin1"));
        if (request.url === "/") response.writeHead(307, { Location: "/again" });
        response.end();
      });
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { status, stderr } = await user.run(["http", "post", url, "--form", "f@-"], {
      input: "octets",
    });
    expect(bodies.filter((body) => !body.includes("octets"))).toEqual([]);
    expect(stderr).toContain("what was streamed to it is gone (307 Temporary Redirect)");
    expect(status).toBe(9);
  });

  it("put takes a named pipe", async () => {
    const pipe = join(user.home, "pipe");
    execFileSync("mkfifo", [pipe]);
    const writer = spawn("sh", ["-c", 'printf "from a pipe" > "$0"', pipe]);
    const put = await user.run(["put", pipe, `${base}files/piped.txt`, "--force"]);
    writer.kill();
    expect([put.stderr, put.status]).toEqual(["", 0]);
    expect((await user.run(["get", `${base}files/piped.txt`])).stdout).toBe("from a pipe");
  });

  it("its flags are its own with other options before the command, too", async () => {
    const raw = await user.run(["-q", "--timeout", "9", "http", "post", `${base}echo`, "--raw", "hello"]);
    expect(JSON.parse(raw.stdout)).toMatchObject({ body: "hello" });
    const ws = `${base.replace("http", "ws")}ws`;
    const said = await user.run(["--no-config", "http", "ws", ws, "--send", "hi", "--settle", "0.2"]);
    expect([said.stdout, said.stderr, said.status]).toEqual(["hi\n", "", 0]);
  });

  it("-o saves the body whatever --print says", async () => {
    const file = user.path("printed.json");
    const { stdout, status } = await http("get", `${base}json`, "-o", file, "-p", "h");
    expect([stdout.startsWith("HTTP/1.1 200 OK\r\n"), status]).toEqual([true, 0]);
    expect(stdout).not.toContain("{");
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ harbour: "Sandbox" });
  });

  it("a page's article alone, by --reader", async () => {
    const { stdout, status } = await user.run([`${base}docs/tides.html`, "--reader"]);
    expect([stdout.split("\n")[0], status]).toEqual(["TIDES", 0]);
  });

  it("redirects are followed with curl's -L, too; what another command takes is named", async () => {
    expect((await user.run(["get", "-L", `${base}redirect/1`])).status).toBe(0);
    const { stderr } = await user.run(["get", base, "-i"]);
    expect(stderr).toBe("porthole: get takes no --headers - porthole http get does\n");
  });

  it("ws: URLs are talked to, watched and checked", async () => {
    const ws = `${base.replace("http", "ws")}ws`;
    const talk = await user.run([ws], { input: "hello\nthere\n" });
    expect([talk.stdout, talk.stderr, talk.status]).toEqual(["hello\nthere\n", "", 0]);
    const watched = await user.run(["watch", `${ws}?count=2&close=1000`]);
    expect([watched.stdout, watched.status]).toEqual(["word 1\nword 2\n", 0]);
    const checked = await user.run(["check", ws, "--json"]);
    expect([objects(checked.stdout).map(({ step }) => step), checked.status]).toEqual([
      ["resolve", "connect", "roundtrip"],
      0,
    ]);
    expect(await user.run(["get", ws])).toMatchObject({
      status: 2,
      stderr: "porthole: http: get is not for ws: - it can watch, check; its bare URL begins a session\n",
    });
  });

  it("a refusal's body, then its line and status; one object with --json", async () => {
    const { stdout, stderr, status } = await http("get", `${base}status/422`);
    expect([stdout, status]).toEqual(["GET is answered with 422\n", 9]);
    expect(stderr).toMatch(/^porthole: http: the server refuses \(422 .*\)\n$/);
    const json = await http("get", `${base}status/503`, "--json");
    expect(objects(json.stdout)).toMatchObject([{ status: 503, text: "GET is answered with 503\n" }]);
    expect(objects(json.stderr)).toMatchObject([{ error: { code: "busy", exit: 10 } }]);
    expect((await http("get", `${base}status/404`, "--no-check-status")).status).toBe(0);
  });

  it("-o saves, and does not replace unasked; --write-out and --timing tell of it", async () => {
    const file = user.path("saved.txt");
    const saved = await http("get", `${base}attachment`, "-o", file, "-w", "%{http_code}\\n", "--timing");
    expect([saved.stdout, saved.status]).toEqual(["200\n", 0]);
    expect(saved.stderr).toMatch(/^total +\d/m);
    expect(await readFile(file, "utf8")).toContain("\n");
    expect((await http("get", `${base}json`, "-o", file)).status).toBe(12);
    const missing = user.path("missing.txt");
    expect(await http("get", `${base}status/404`, "-o", missing)).toMatchObject({ status: 8, stdout: "" });
    await expect(readFile(missing)).rejects.toThrow("ENOENT");
    const named = await http("get", `${base}attachment?name=..%2F..%2Fx.txt`, "-O", "--json");
    expect(objects(named.stdout)).toMatchObject([{ size: expect.any(Number) }]);
    expect(objects(named.stdout)[0]?.["path"]).not.toContain("..");
  });

  it("--session keeps cookies in the user's state folder", async () => {
    await http("get", `${base}cookies?flavour=oat`, "--session", "me");
    const again = await http("get", `${base}cookies`, "--session", "me");
    expect(JSON.parse(again.stdout)).toEqual({ cookies: { visits: "1", flavour: "oat" } });
  });

  it("watch gives a stream's events: their text into a pipe, all of them with --json", async () => {
    const text = user.start(["watch", `${base}events?count=2&ms=1`]);
    await text.says("high water 2\nsecond line\n");
    text.child.kill("SIGINT");
    expect((await text.ended).status).toBe(130);
    expect(text.stdout).toMatch(/^high water 1\nsecond line\nhigh water 2\nsecond line\n/);
    const json = user.start(["watch", `${base}events?count=1&ms=1`, "--json"]);
    await json.says('"event":"data"');
    json.child.kill("SIGINT");
    await json.ended;
    expect(objects(json.stdout)[0]).toMatchObject({
      event: "data",
      name: "tide",
      http: { id: "1", data: "high water 1\nsecond line" },
    });
  });

  it("xmlrpc and ws are refused before anything is sent when a word is missing", async () => {
    for (const words of [["xmlrpc"], ["ws"], ["get"], ["request", "GET"], ["lamp", base]]) {
      expect((await http(...words)).status).toBe(2);
    }
    expect((await http("xmlrpc", "ftp://127.0.0.1/", "a")).status).toBe(2);
  });
});
