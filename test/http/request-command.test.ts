import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHttpProxy } from "../../fixtures/servers/proxy.js";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { scripted } from "../../fixtures/servers/scripted.js";
import type { Options } from "../../src/plugin.js";
import { answered, asked, sent } from "./over-client.js";
import { perform } from "./performed.js";

let sandbox: Sandbox;
let folder: string;
let base: string;
let echo: string;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["http"] });
  base = sandbox.url("http").replace(/\/$/, "");
  echo = `${base}/echo`;
  folder = await mkdtemp(join(tmpdir(), "porthole-http-"));
  await writeFile(join(folder, "note.txt"), "High water\n");
  await writeFile(join(folder, "lamp.json"), '{"watts": 30}');
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true });
});

interface Echoed {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly size: number;
  readonly body: string;
}

/** What the server says that it was asked. */
async function echoed(
  name: string,
  words: readonly string[],
  options = {},
  stdin?: Readable,
): Promise<Echoed> {
  const { text, failure } = await perform(name, words, options, stdin === undefined ? {} : { stdin });
  if (failure !== undefined) throw failure;
  return JSON.parse(text);
}

describe("a request as it is typed", () => {
  it.each([
    ["get", "GET"],
    ["post", "POST"],
    ["put", "PUT"],
    ["patch", "PATCH"],
    ["delete", "DELETE"],
    ["options", "OPTIONS"],
  ])("%s", async (name, method) => {
    const { text } = await perform(name, [echo], { print: "b" });
    expect(JSON.parse(text)).toMatchObject({ method, size: 0 });
  });

  it("any other method, in capitals where it is written without", async () => {
    expect(await echoed("request", ["report", echo])).toMatchObject({ method: "REPORT" });
    expect((await perform("request", ["connect", echo])).failure).toMatchObject({ code: "usage" });
    expect((await perform("request", ["a b", echo])).failure).toMatchObject({ code: "usage" });
    expect((await perform("request", [])).failure).toMatchObject({ code: "usage" });
    expect((await perform("get", [])).failure).toMatchObject({ code: "usage" });
  });

  it("fields become JSON", async () => {
    const { headers, body } = await echoed("post", [echo, "name=lamp", "watts:=30", "tags[]=a", "X-Trace:1"]);
    expect(JSON.parse(body)).toEqual({ name: "lamp", watts: 30, tags: ["a"] });
    expect(headers).toMatchObject({
      "content-type": "application/json",
      accept: "application/json, */*;q=0.5",
      "x-trace": "1",
      "content-length": String(Buffer.byteLength(body)),
    });
  });

  it("or a form, or parts of one", async () => {
    const form = await echoed("post", [echo, "name=lamp & light", "n:=3"], { form: true });
    expect(form.body).toBe("name=lamp+%26+light&n=3");
    expect(form.headers["content-type"]).toBe("application/x-www-form-urlencoded; charset=utf-8");

    const note = join(folder, "note.txt");
    const parts = await echoed("post", [echo, "name=lamp", `plan@${note}`], { form: true });
    const boundary = /^multipart\/form-data; boundary=(\S+)$/.exec(parts.headers["content-type"] ?? "")?.[1];
    expect(parts.body.split(`--${boundary}`)).toEqual([
      "",
      '\r\nContent-Disposition: form-data; name="name"\r\n\r\nlamp\r\n',
      '\r\nContent-Disposition: form-data; name="plan"; filename="note.txt"\r\nContent-Type: text/plain\r\n\r\nHigh water\n\r\n',
      "--\r\n",
    ]);
    expect(parts.headers["content-length"]).toBe(String(parts.size));
    const plain = await echoed("post", [echo, "name=lamp"], { multipart: true });
    expect(plain.headers["content-type"]).toMatch(/^multipart/);
  });

  it("texts, JSON and headers from files", async () => {
    const note = join(folder, "note.txt");
    const lamp = join(folder, "lamp.json");
    const { headers, body, url } = await echoed("post", [
      echo,
      `text=@${note}`,
      `lamp:=@${lamp}`,
      `X-Note:@${note}`,
      `q==@${note}`,
    ]);
    expect(JSON.parse(body)).toEqual({ text: "High water\n", lamp: { watts: 30 } });
    expect(headers["x-note"]).toBe("High water");
    expect(url).toBe("/echo?q=High+water");
  });

  it("a whole body: a text, a file, standard input without a length", async () => {
    expect(await echoed("post", [echo], { raw: "hello" })).toMatchObject({ body: "hello" });
    const file = await echoed("put", [echo, `@${join(folder, "lamp.json")}`]);
    expect(file).toMatchObject({ body: '{"watts": 30}', headers: { "content-type": "application/json" } });
    const streamed = await echoed(
      "post",
      [echo, "-"],
      {},
      Readable.from([Buffer.from("a"), Buffer.from("b")]),
    );
    expect(streamed).toMatchObject({
      body: "ab",
      headers: { "transfer-encoding": "chunked", expect: "100-continue" },
    });
    const atOnce = await echoed("post", [echo, "@-", "Expect:"], {}, Readable.from([Buffer.from("ab")]));
    expect(atOnce.body).toBe("ab");
    expect(atOnce.headers["expect"]).toBeUndefined();
  });

  it("--data as curl has it, and --method instead of the command's own", async () => {
    const form = await echoed("post", [echo], { data: ["a=b c", `@${join(folder, "note.txt")}`] });
    expect(form).toMatchObject({
      body: "a=b c&High water",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(await echoed("get", [echo], { method: "REPORT" })).toMatchObject({ method: "REPORT" });
    expect((await perform("post", [echo, "a=b"], { data: ["c=d"] })).failure).toMatchObject({
      code: "usage",
    });
  });

  it("tells how far a large body has gone", async () => {
    const file = join(folder, "upload.bin");
    await writeFile(file, "x".repeat(600_000));
    const reports: number[] = [];
    await perform("put", [echo, `@${file}`], {}, { progress: ({ done }) => reports.push(done) });
    expect(reports.at(-1)).toBe(600_000);
    expect(reports.length).toBeGreaterThan(1);
  });

  it("a query, added to the one that is there", async () => {
    expect(await echoed("get", [`${echo}?a=1`, "q==ä b", "q==2"])).toMatchObject({
      url: "/echo?a=1&q=%C3%A4+b&q=2",
    });
    expect(await echoed("get", [`${base}/echo`, "a==b"])).toMatchObject({ url: "/echo?a=b" });
  });

  it("headers instead of Porthole's, empty ones, and none", async () => {
    const { headers } = await echoed(
      "get",
      [echo, "User-Agent:lamp/1", "Accept:", "X-Empty;", "X-Words:Grüße"],
      {
        header: ["X-Trace: 1", "User-Agent: other"],
      },
    );
    expect(headers).toMatchObject({ "user-agent": "lamp/1", "x-empty": "", "x-trace": "1" });
    expect(headers).not.toHaveProperty("accept");
    expect(Buffer.from(headers["x-words"] ?? "", "latin1").toString()).toBe("Grüße");
  });

  it.each([
    [["name=lamp"], { raw: "x" }, "one body"],
    [["@a", "@b"], {}, "one body"],
    [["watts:=30 W"], {}, "is no JSON"],
    [["plan@/dev/null"], {}, "does not fit into a JSON object"],
  ])("%j with %j is refused, and nothing sent", async (items, options, words) => {
    const { failure } = await perform("post", ["http://127.0.0.1:1/", ...items], options);
    expect(failure).toMatchObject({ code: "usage" });
    expect(failure?.message).toContain(words);
  });

  it("a file that is not there sends nothing", async () => {
    const missing = join(folder, "lost");
    for (const item of [`@${missing}`, `a=@${missing}`, `a:=@${missing}`]) {
      const { failure } = await perform("post", ["http://127.0.0.1:1/", item]);
      expect(failure).toMatchObject({ code: "local", exit: 12 });
    }
  });
});

describe("--offline", () => {
  it("prints the request and sends nothing", async () => {
    const { text } = await perform(
      "post",
      ["http://bücher.example:8080/a b", "name=lamp", "q==1", "X-Trace:1"],
      {
        offline: true,
      },
    );
    const [head = "", body] = text.split("\r\n\r\n");
    expect(head.split("\r\n")).toEqual([
      "POST /a%20b?q=1 HTTP/1.1",
      "Host: xn--bcher-kva.example:8080",
      "User-Agent: Porthole",
      expect.stringMatching(/^Accept-Encoding: gzip/),
      "Content-Type: application/json",
      "Accept: application/json, */*;q=0.5",
      "X-Trace: 1",
      "Content-Length: 15",
    ]);
    expect(body).toBe('{"name":"lamp"}');
  });

  it("heeds --print and --json", async () => {
    const asking = (options: Options) =>
      perform("post", ["http://b.example/a", "name=lamp"], { offline: true, ...options });
    expect((await asking({ print: "B" })).text).toBe('{"name":"lamp"}');
    expect((await asking({ print: "H" })).text).toMatch(/^POST \/a HTTP\/1\.1\r\n(?:.+\r\n)+\r\n$/);
    expect((await asking({ print: "hb" })).text).toBe("");
    const { records, text } = await asking({ json: true });
    expect([text, records]).toMatchObject([
      "",
      [
        {
          method: "POST",
          url: "http://b.example/a",
          headers: { host: "b.example", "content-type": "application/json" },
          json: { name: "lamp" },
        },
      ],
    ]);
  });
});

describe("an answer", () => {
  it("is its body, octet for octet, with content coding undone", async () => {
    const { text } = await perform("get", [`${base}/gzip`]);
    expect(text).toContain("Welcome");
  });

  it("with its headers, and with the request", async () => {
    const both = await perform("get", [`${base}/json`], { headers: true });
    expect(both.text).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:[\w-]+: .*\r\n)+\r\n\{/);
    const all = await perform("post", [echo, "a=b"], { print: "HBhb" });
    expect(all.text).toMatch(
      /^POST \/echo HTTP\/1\.1\r\n[\s\S]+\r\n\r\n\{"a":"b"\}\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
    const head = await perform("head", [`${base}/json`]);
    expect(head.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]+\r\n\r\n$/);
    const bad = await perform("get", [`${base}/json`], { print: "x" });
    expect(bad.failure).toMatchObject({ code: "usage" });
  });

  it("with trailers and what came before it", async () => {
    await using server = await scripted(
      asked()
        .send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n")
        .drain(),
      { connections: 1 },
    );
    const url = server.url("http", "/");
    expect((await perform("get", [url], { headers: true })).text).toBe(
      "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhi\r\nX-Sum: 7\r\n",
    );
    for (const engine of ["node", "undici"]) {
      const { records } = await perform("get", [url], { json: true, "http-engine": engine });
      expect(records[0]).toMatchObject({
        status: 200,
        information: [{ status: 103, headers: { link: "</a.css>" } }],
        trailers: { "x-sum": "7" },
        text: "hi",
      });
    }
  });

  it("as an object, with --json", async () => {
    const { records } = await perform("get", [`${base}/redirect-to?url=/json`], { json: true });
    expect(records).toEqual([
      expect.objectContaining({
        url: `${base}/json`,
        method: "GET",
        status: 200,
        reason: "OK",
        version: "1.1",
        type: "application/json",
        json: expect.objectContaining({ harbour: "Sandbox" }),
        before: [{ url: `${base}/redirect-to?url=/json`, method: "GET", status: 302 }],
      }),
    ]);
    const latin = await perform("get", [`${base}/charset/latin1`], { json: true });
    expect(latin.records[0]?.["text"]).toContain("Fähre");
  });

  it("stays where it is with --no-follow, and shows the way with --all", async () => {
    const stay = await perform("get", [`${base}/redirect/2`], { follow: false, headers: true });
    expect(stay.text).toMatch(/^HTTP\/1\.1 302 Found\r\n[\s\S]*Location: \/redirect\/1\r\n/);
    expect(stay.failure).toBeUndefined();
    const all = await perform("get", [`${base}/redirect/2`], { all: true, headers: true });
    expect(all.text.match(/^HTTP\/1\.1 \d+/gm)).toEqual(["HTTP/1.1 302", "HTTP/1.1 302", "HTTP/1.1 200"]);
  });
});

describe("a status of 400 and above", () => {
  it.each([
    [404, 8],
    [410, 8],
    [403, 9],
    [422, 9],
    [429, 10],
    [503, 10],
    [401, 7],
  ])("%i ends with %i, after its body", async (status, exit) => {
    const { text, failure } = await perform("get", [`${base}/status/${status}`]);
    expect(text).toBe(`GET is answered with ${status}\n`);
    expect(failure).toMatchObject({ exit });
  });

  it.each([
    ["get", "try again in 1 s, or --retry N"],
    ["post", "try again in 1 s"],
  ])("that may pass is worth --retry for what may be repeated: %s", async (method, hint) => {
    const { failure } = await perform(method, [`${base}/status/503`]);
    expect(failure?.hint).toBe(hint);
  });

  it.each([
    ["120", "try again in 120 s, or --retry N"],
    ["86400", "try again in 86400 s"],
  ])("tells for how long the server wants to be left alone: %s", async (seconds, hint) => {
    await using server = await scripted(
      asked().and(answered("503 Service Unavailable", [`Retry-After: ${seconds}`])),
    );
    const { failure } = await perform("get", [server.url("http", "/")]);
    expect(failure?.hint).toBe(hint);
  });

  it("is no failure with --no-check-status, and has no body with --fail", async () => {
    const calm = await perform("get", [`${base}/status/404`], { "check-status": false });
    expect(calm).toMatchObject({ text: "GET is answered with 404\n" });
    expect(calm.failure).toBeUndefined();
    const silent = await perform("get", [`${base}/status/404`], { fail: true, headers: true });
    expect(silent).toMatchObject({ text: "", failure: { exit: 8 } });
  });
});

describe("--write-out", () => {
  it("fills in curl's variables", async () => {
    const format =
      "%{http_code} %{size_download} %{content_type} %{num_redirects} %{url_effective} %{method}\\n%%|%{lost}|";
    const { octets } = await perform("get", [`${base}/redirect-to?url=/stream%3Fbytes=1000`], {
      "write-out": format,
    });
    expect(octets.subarray(1000).toString()).toBe(
      `200 1000 application/octet-stream 1 ${base}/stream?bytes=1000 GET\n%||`,
    );
  });

  it("tells times in order, in seconds", async () => {
    const names = ["namelookup", "connect", "pretransfer", "starttransfer", "total"];
    const { text } = await perform("head", [`${base}/json`], {
      print: "",
      "write-out": names.map((name) => `%{time_${name}}`).join(" "),
    });
    const times = text.split(" ").map(Number);
    expect(text).toMatch(/^(?:\d+\.\d{6} ?){5}$/);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeGreaterThan(0);
  });

  it("parts what is for standard error, and speaks of failures too", async () => {
    const { text, told, failure } = await perform("get", ["http://127.0.0.1:1/"], {
      "write-out": "%{http_code} %{exitcode}%{stderr}%{url}%{onerror} failed",
    });
    expect(failure).toMatchObject({ code: "connect" });
    expect(text).toBe("000 4");
    expect(told).toEqual(["http://127.0.0.1:1/ failed"]);
    const well = await perform("head", [`${base}/json`], { print: "", "write-out": "a%{onerror}b" });
    expect(well.text).toBe("a");
  });

  it("tells both ends of the connection, and of a proxy", async () => {
    const ends = "%{local_ip} %{local_port} %{remote_ip} %{remote_port} %{num_connects} %{proxy_used}";
    const { text } = await perform("get", [`${base}/json`], { print: "", "write-out": ends });
    expect(text).toMatch(new RegExp(`^127\\.0\\.0\\.1 [1-9]\\d+ 127\\.0\\.0\\.1 ${new URL(base).port} 1 0$`));
    await using proxy = await startHttpProxy();
    const network = { proxy: { url: proxy.url("http") }, tls: { insecure: true } };
    const format = "%{remote_port} %{proxy_used} %{http_connect}";
    const through = async (url: string) =>
      (await perform("get", [url], { print: "", "write-out": format }, { network })).text;
    expect(await through(`${base}/json`)).toBe(`${proxy.port} 1 000`);
    expect(await through(`${sandbox.url("https")}json`)).toBe(`${proxy.port} 1 200`);
    await using refusing = await startHttpProxy({ refuse: true });
    const refused = await perform(
      "get",
      [`${sandbox.url("https")}json`],
      { "write-out": "%{http_connect}" },
      { network: { proxy: { url: refusing.url("http") } } },
    );
    expect(refused.text).toBe("403");
  });

  it("shows the server's certificates, and what is wrong with them in OpenSSL's number", async () => {
    const url = `${sandbox.url("https")}json`;
    const format = "%{num_certs} %{ssl_verify_result}|%{certs}";
    const network = { tls: { insecure: true } };
    const { text } = await perform("get", [url], { print: "", "write-out": format }, { network });
    const [facts, certs = ""] = text.split("|");
    expect(facts).toBe("1 21");
    expect(certs).toContain("Subject:CN=Porthole sandbox (good)\n");
    expect(new X509Certificate(certs.slice(certs.indexOf("-----BEGIN"))).subject).toBe(
      "CN=Porthole sandbox (good)",
    );
    const distrusted = await perform("get", [url], { "write-out": "%{ssl_verify_result} %{exitcode}" });
    expect(distrusted.text).toBe("21 5");
    expect((await perform("get", [`${base}/json`], { print: "", "write-out": format })).text).toBe("0 0|");
  });

  it("names the file, the referrer and the octets that went out", async () => {
    const format = "%{filename_effective} %{referer} %{size_request} %{urlnum}";
    const { text } = await perform("get", [`${base}/attachment?name=..%2Fx.txt`, "Referer:http://r/"], {
      print: "",
      "remote-name": true,
      "write-out": format,
    });
    const head = await perform("get", [`${base}/attachment?name=..%2Fx.txt`, "Referer:http://r/"], {
      print: "H",
    });
    expect(text.endsWith(`x.txt http://r/ ${head.octets.length} 0`)).toBe(true);
  });

  it("gives headers by name, and all as JSON", async () => {
    const { text } = await perform("head", [`${base}/json`], {
      print: "",
      "write-out": "%header{Content-Type} %{header_json}",
    });
    expect(text).toMatch(/^application\/json \{.*"content-type":\["application\/json"\]/);
  });
});

it("--timing shows a bar for each part", async () => {
  const { told } = await perform("get", [`${base}/slow?ms=30&chunks=2`], { timing: true });
  expect(told[0]).toMatch(/^connect +\|[ #]{40}\| +\d+\.\d ms$/m);
  expect(told[0]).toMatch(/^transfer +\|[ #]{40}\| +\d+\.\d ms$/m);
  expect(told[0]).toMatch(/^total +\d+\.\d ms$/m);
});

describe("a body meets a redirect or a login", () => {
  const moved = (status: string) => answered(status, ["Location: /there"]);

  it("a file goes out again, read anew", async () => {
    const file = join(folder, "large.bin");
    await writeFile(file, "x".repeat(80_000));
    for (const status of ["307 Temporary Redirect", "308 Permanent Redirect"]) {
      const taken = () => asked().expectUntil("x".repeat(80_000));
      await using server = await scripted([
        taken().and(answered(status, ["Location: /there", "Connection: close"])),
        taken().and(answered("200 OK", [], "there")),
      ]);
      const { text } = await perform("post", [server.url("http", "/"), `@${file}`, "Expect:"]);
      expect(text).toBe("there");
      expect(sent(server, "content-length")).toEqual(["80000", "80000"]);
    }
  });

  it("a stream cannot: the server's answer, and what to do", async () => {
    for (const [status, hint] of [
      ["307 Temporary Redirect", /^send it to http:.*\/there$/],
      ["401 Unauthorized", /^--auth BASIC logs in at once/],
    ] as const) {
      const reply =
        status === "401 Unauthorized"
          ? answered(status, ['WWW-Authenticate: Basic realm="r"'])
          : moved(status);
      await using server = await scripted(asked().expectUntil("0\r\n\r\n").and(reply).drain());
      const { failure } = await perform(
        "post",
        [server.url("http", "/"), "-", "Expect:"],
        {},
        {
          stdin: Readable.from([Buffer.from("hello")]),
          credentials: async () => ({ user: "me", password: "pw", kind: "password" }),
        },
      );
      expect(failure).toMatchObject({ code: "refused", hint: expect.stringMatching(hint) });
      expect(failure?.message).toContain("what was streamed to it is gone");
    }
  });

  it("303 asks by GET, without the body and what belonged to it", async () => {
    await using server = await scripted(
      asked()
        .expectUntil('{"a":"b"}')
        .and(moved("303 See Other"))
        .and(asked().and(answered("200 OK", [], "there")))
        .drain(),
    );
    const { text } = await perform("post", [server.url("http", "/"), "a=b", "X-Trace:1"]);
    expect(text).toBe("there");
    expect(server.lines.filter((line) => /^(?:.*GET|X-Trace|Content)/.test(line))).toEqual([
      "Content-Type: application/json",
      "X-Trace: 1",
      "Content-Length: 9",
      expect.stringMatching(/GET \/there HTTP\/1\.1$/),
      "X-Trace: 1",
    ]);
  });

  it("nothing secret goes from https to http, to another port, or to another host", async () => {
    const secure = await startSandbox({ only: ["http"] });
    try {
      const { port } = new URL(secure.url("https"));
      for (const host of ["127.0.0.1", "localhost"]) {
        await using other = await scripted(
          asked()
            .and(answered("200 OK", [], "there"))
            .drain(),
        );
        const there = `http://${host}:${other.port}/`;
        const { text, failure } = await perform(
          "get",
          [`https://localhost:${port}/redirect-to?url=${there}`, "X-Key:secret", "Cookie:a=b"],
          { user: "me:pw" },
          {
            network: { tls: { insecure: true } },
            credentials: async () => ({ user: "me", password: "pw", kind: "password" }),
          },
        );
        expect(failure).toBeUndefined();
        expect(text).toBe("there");
        expect(other.lines.filter((line) => /^(?:authorization|x-key|cookie|referer):/i.test(line))).toEqual(
          [],
        );
      }
    } finally {
      await secure.close();
    }
  });

  it.each([
    "file:///etc/passwd",
    "ftp://127.0.0.1/x",
    "data:,x",
    "javascript:alert(1)",
    "gopher://127.0.0.1/",
  ])("a redirect to %s is not followed", async (location) => {
    await using server = await scripted(
      asked()
        .and(answered("302 Found", [`Location: ${location}`]))
        .drain(),
    );
    const { text, failure } = await perform("get", [server.url("http", "/")]);
    expect(text).toBe("");
    expect(failure).toMatchObject({ code: "refused", exit: 9, reply: location });
  });

  it("headers of the user stay with the server they were meant for", async () => {
    await using other = await scripted(
      asked()
        .and(answered("200 OK", [], "there"))
        .drain(),
    );
    await using server = await scripted(
      asked()
        .and(answered("302 Found", [`Location: ${other.url("http", "/")}`]))
        .drain(),
    );
    const { text } = await perform("get", [
      server.url("http", "/"),
      "X-Key:secret",
      "Authorization:Bearer x",
    ]);
    expect(text).toBe("there");
    expect(sent(server, "x-key")).toEqual(["secret"]);
    expect(sent(other, "x-key")).toEqual([]);
    expect(sent(other, "authorization")).toEqual([]);
  });
});
