/** What can go wrong between here and there: one line, the status of the table, nothing under a final name. */

import { readdir } from "node:fs/promises";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial, type TlsMaterial } from "../../../fixtures/servers/certificate.js";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { conversation, type Script, script, scripted } from "../../../fixtures/servers/scripted.js";
import { objects, User } from "./program.js";

let user: User;
let sandbox: Sandbox;
let tls: TlsMaterial;

beforeAll(async () => {
  user = await User.create();
  sandbox = await startSandbox({ only: ["http", "ftp", "gopher"] });
  tls = await makeTlsMaterial();
});
afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

/** Runs `args` with the URL of a server that plays `play`, and gives back what came of it. */
async function against(play: Script, scheme: string, args: (url: string) => readonly string[]) {
  await using server = await scripted(play, { connections: 99 });
  const place = `127.0.0.1:${server.port}`;
  const ended = await user.run(args(server.url(scheme, "/x")));
  return { ...ended, stderr: ended.stderr.replaceAll(place, "HOST:PORT") };
}

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("no connection", () => {
  it.each(["http", "https", "ftp", "ftps", "gopher", "gophers"])(
    "a refused port of %s is 4",
    async (scheme) => {
      const port = await freePort();
      const { status, stdout, stderr } = await user.run(["get", `${scheme}://127.0.0.1:${port}/x`]);
      expect(stderr).toBe(
        `porthole: ${scheme.replace(/s$/, "")}: 127.0.0.1:${port}: connection refused - is the server running, and on this port?\n`,
      );
      expect(stdout).toBe("");
      expect(status).toBe(4);
    },
  );

  it("a refused mail server is 4", async () => {
    const port = await freePort();
    const { status, stderr } = await user.run([
      "send",
      `smtp://127.0.0.1:${port}`,
      "--from",
      "a@x.example",
      "--to",
      "b@x.example",
      "--text",
      "Hi",
    ]);
    expect(stderr).toBe(
      `porthole: smtp: 127.0.0.1:${port}: connection refused - is the server running, and on this port?\n`,
    );
    expect(status).toBe(4);
  });

  it("a name without address is 3", async () => {
    const { status, stderr } = await user.run(["ls", "ftp://no-such-host.invalid/"]);
    expect(stderr).toBe("porthole: ftp: no host is named 'no-such-host.invalid' - check the spelling\n");
    expect(status).toBe(3);
  });

  it("tells --json the code, the protocol and the URL, and no password", async () => {
    const port = await freePort();
    const url = `ftp://me:secret@127.0.0.1:${port}/pub`;
    const { status, stderr } = await user.run(["ls", url, "--json", "-q"]);
    expect(objects(stderr)).toEqual([
      {
        error: {
          code: "connect",
          exit: 4,
          protocol: "ftp",
          message: `127.0.0.1:${port}: connection refused`,
          hint: "is the server running, and on this port?",
          url: `ftp://me@127.0.0.1:${port}/pub`,
        },
      },
    ]);
    expect(status).toBe(4);
  });
});

describe("a certificate that nobody vouches for", () => {
  const authority =
    "the certificate's authority is not known here - trust the authority with --cacert FILE, or accept anything with -k";

  it.each(["https", "ftps", "gophers"])("is 5 for %s, with what to do", async (scheme) => {
    const url = sandbox.url(scheme);
    const { status, stdout, stderr } = await user.run(["get", `${url}welcome.txt`]);
    expect(stderr).toMatch(
      new RegExp(`^porthole: ${scheme.slice(0, -1)}: (?:localhost|127\\.0\\.0\\.1):\\d+: [^\\n]*\\n$`),
    );
    expect(stderr).toContain(authority);
    expect(stdout).toBe("");
    expect(status).toBe(5);
  });

  it("is accepted with -k", async () => {
    const { status, stdout, stderr } = await user.run(["get", "-k", `${sandbox.url("https")}json`]);
    expect(JSON.parse(stdout)).toMatchObject({ harbour: "Sandbox" });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  it("is trusted with --cacert", async () => {
    const { status, stderr } = await user.run([
      "ls",
      "--cacert",
      sandbox.caFile,
      sandbox.url("ftps"),
      sandbox.url("gophers"),
    ]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  it("is 5 when it is for another name", async () => {
    const { status, stderr } = await user.run([
      "get",
      "--cacert",
      sandbox.caFile,
      "--sni",
      "elsewhere.example",
      sandbox.url("https"),
    ]);
    expect(stderr).toContain("the certificate is for another name");
    expect(stderr).toContain(" - is this the host you meant? --sni NAME asks for another one\n");
    expect(status).toBe(5);
  });

  it("an authority's file that is not there is 12", async () => {
    const { status, stderr } = await user.run(["get", "--cacert", "nowhere.pem", sandbox.url("https")]);
    expect(stderr).toMatch(/^porthole: https?: nowhere\.pem: no such file or folder[^\n]*\n$/);
    expect(status).toBe(12);
  });

  it("a server without TLS is 5", async () => {
    const { status, stderr } = await against(script().send("220 plain\r\n").drain(), "https", (url) => [
      "get",
      url,
    ]);
    expect(stderr).toBe(
      "porthole: http: HOST:PORT: the server does not speak TLS on this port - use the scheme without TLS, or the port with it\n",
    );
    expect(status).toBe(5);
  });
});

describe("a silent server", () => {
  it.each([
    ["http", "get"],
    ["ftp", "ls"],
    ["gopher", "get"],
  ])("of %s is 6 after --timeout", async (scheme, verb) => {
    const began = performance.now();
    const { status, stdout, stderr } = await against(script().drain(), scheme, (url) => [
      verb,
      url,
      "--timeout",
      "0.3",
    ]);
    expect(stderr).toMatch(new RegExp(`^porthole: ${scheme}: [^\\n]*0\\.3 s[^\\n]*--timeout[^\\n]*\\n$`));
    expect(stdout).toBe("");
    expect(status).toBe(6);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it("is 6 after --connect-timeout when TLS never comes about", async () => {
    const { status, stderr } = await against(script().drain(), "https", (url) => [
      "get",
      url,
      "--connect-timeout",
      "0.3",
    ]);
    expect(stderr).toBe(
      "porthole: http: HOST:PORT: no connection within 0.3 s - --connect-timeout sets how long to wait\n",
    );
    expect(status).toBe(6);
  });

  it("is 6 after --max-time, however much it says", async () => {
    const slowly = script()
      .expectUntil("\r\n\r\n")
      .send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
      .sendSlowly("x".repeat(100), 100);
    const { status, stderr } = await against(slowly, "http", (url) => [
      "get",
      url,
      "-o",
      "slow.txt",
      "--max-time",
      "0.6",
    ]);
    expect(stderr).toBe("porthole: http: not done within 0.6 s - --max-time sets the limit\n");
    expect(status).toBe(6);
    expect(await readdir(user.folder)).not.toContain("slow.txt");
  });

  it("and no time at all is no limit", async () => {
    const { status } = await user.run([
      "get",
      `${sandbox.url("http")}json`,
      "--max-time",
      "0",
      "--timeout",
      "0",
    ]);
    expect(status).toBe(0);
  });

  it("and a month is a limit like any other", async () => {
    const month = ["--max-time", "2592000", "--timeout", "2592000", "--connect-timeout", "2592000"];
    const { status, stderr } = await user.run(["get", `${sandbox.url("http")}json`, ...month]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});

describe("a server that breaks the protocol", () => {
  const ok = "HTTP/1.1 200 OK\r\n";
  it.each([
    ["closes before a word", "http", script().expectUntil("\r\n\r\n").drop(), 4],
    ["resets before a word", "http", script().expectUntil("\r\n\r\n").reset(), 4],
    ["speaks another language", "http", script().send("220 ftp.example ready\r\n").drain(), 11],
    ["sends garbage", "http", script().expectUntil("\r\n\r\n").send(Buffer.alloc(512, 0x81)).drain(), 11],
    [
      "sends a status line without end",
      "http",
      script()
        .expectUntil("\r\n\r\n")
        .endlessLine(1 << 24),
      11,
    ],
    [
      "ends in the middle of its header",
      "http",
      script().expectUntil("\r\n\r\n").send(`${ok}Content-`).drop(),
      11,
    ],
    [
      "ends in the middle of its body",
      "http",
      script().expectUntil("\r\n\r\n").send(`${ok}Content-Length: 100\r\n\r\nhalf`).drop(),
      11,
    ],
    [
      "greets with garbage",
      "ftp",
      script()
        .send(Buffer.from([0, 1, 2, 0xff, 13, 10]))
        .drain(),
      11,
    ],
    ["greets without end", "ftp", script().endlessLine(1 << 24), 11],
    ["closes before a greeting", "ftp", script().drop(), 4],
    ["is too busy", "ftp", conversation("S: 421 come back later\nS drop"), 10],
    [
      "knows nothing of it",
      "gopher",
      conversation("C: x\nS: 3'x' does not exist\t\terror.host\t1\nS: .\nS drop"),
      8,
    ],
  ] satisfies [string, string, Script, number][])("%s: %s", async (_how, scheme, play, wanted) => {
    const path = scheme === "gopher" ? "0x" : "";
    const { status, stdout, stderr } = await against(play, scheme, (url) => [
      "get",
      url.replace(/x$/, path || "x"),
      "-o",
      "half.bin",
    ]);
    expect(stderr).toMatch(new RegExp(`^porthole: ${scheme}: [^\\n]+\\n$`));
    expect(status).toBe(wanted);
    expect(stdout).toBe("");
    expect(await readdir(user.folder)).not.toContain("half.bin");
  });

  it("sends a menu without end of line: 11, and what came before is shown", async () => {
    const play = script()
      .expect("")
      .sendLines("0First\t/1\tlocalhost\t70")
      .endlessLine(1 << 24);
    await using server = await scripted(play, { connections: 99 });
    const { status, stdout, stderr } = await user.run(["ls", server.url("gopher", "/")]);
    expect(stdout).toBe("First\n");
    expect(stderr).toMatch(/^porthole: gopher: [^\n]+\n$/);
    expect(status).toBe(11);
  });
});

describe("an answer of the server", () => {
  it.each([
    ["404", 8],
    ["410", 8],
    ["401", 7],
    ["403", 9],
    ["418", 9],
    ["429", 10],
    ["503", 10],
  ])("HTTP's %s", async (code, exit) => {
    const { status, stdout, stderr } = await user.run([
      "get",
      `${sandbox.url("http")}status/${code}`,
      "-o",
      "x.bin",
    ]);
    expect(stderr).toMatch(new RegExp(`^porthole: http: [^\\n]*${code}[^\\n]*\\n$`));
    expect(stdout).toBe("");
    expect(status).toBe(exit);
    expect(await readdir(user.folder)).not.toContain("x.bin");
  });

  it("stands in the message, made harmless, and with --json as it came", async () => {
    const refusing = conversation("S: 550 \x1b]0;owned\x07 gone\nS drop");
    const shown = await against(refusing, "ftp", (url) => ["ls", url]);
    expect(shown.stderr).toContain("\\x1b]0;owned\\x07 gone");
    expect(shown.stderr).not.toContain("\x1b");
    const told = await against(refusing, "ftp", (url) => ["ls", url, "--json"]);
    expect(told.stderr).not.toContain("\x1b");
    expect(objects(told.stderr)[0]?.["error"]).toMatchObject({ reply: "550 \x1b]0;owned\x07 gone" });
  });
});

describe("under TLS", () => {
  it("a server that hangs up in the handshake is 5", async () => {
    const { status, stderr } = await against(
      script()
        .step({ title: "read the hello", run: async (peer) => void (await peer.readBytes(1)) })
        .reset(),
      "https",
      (url) => ["get", url],
    );
    expect(stderr).toMatch(/^porthole: http: HOST:PORT: [^\n]+\n$/);
    expect(status).toBe(5);
  });

  it("an answer cut short is 11, and no half file stays under its name", async () => {
    await using server = await scripted(
      script().expectUntil("\r\n\r\n").send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").truncate(),
      { tls },
    );
    const { status } = await user.run(["get", "-k", server.url("https", "/x"), "-o", "cut.bin"]);
    expect(status).toBe(11);
    expect(await readdir(user.folder)).not.toContain("cut.bin");
  });
});
