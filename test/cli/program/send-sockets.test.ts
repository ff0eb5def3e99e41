/** `send`, `put`, `get` and `cp` with sockets, and `send` with Telnet: as they are typed. */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { objects, User } from "./program.js";

let user: User;
let server: Server;
let sandbox: Sandbox;
let url = "";
let got: string[] = [];

beforeAll(async () => {
  [user, sandbox] = await Promise.all([User.create(), startSandbox({ only: ["telnet", "http"] })]);
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    const pieces: Buffer[] = [];
    socket.on("data", (octets: Buffer) => pieces.push(octets));
    socket.on("end", () => {
      got.push(Buffer.concat(pieces).toString());
      socket.end("Noted.\r\nGoodbye.\r\n");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  url = `tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
});

beforeEach(() => {
  got = [];
});

afterAll(async () => {
  await sandbox.close();
  await new Promise((resolve) => server.close(resolve));
  await user[Symbol.asyncDispose]();
});

describe("a socket", () => {
  it("is sent a text, a file, or standard input, and tells what it said to it", async () => {
    await writeFile(user.path("note.txt"), "from a file\n");
    const first = await user.run(["send", url, "--text", "It works"]);
    expect([first.status, first.stdout]).toEqual([0, `sent to ${url}: 8 octets, answered by: Noted.\n`]);
    const second = await user.run(["send", url, "--text-file", "note.txt", "--json"]);
    expect(objects(second.stdout)).toEqual([
      { event: "sent", accepted: [url], reply: "12 octets, answered by: Noted.", size: 12 },
    ]);
    expect((await user.run(["send", url], { input: "from a pipe\n" })).status).toBe(0);
    expect(got).toEqual(["It works", "from a file\n", "from a pipe\n"]);
  });

  it("is put files and standard input, and copied to", async () => {
    await writeFile(user.path("one.txt"), "one\n");
    await writeFile(user.path("two.txt"), "two\n");
    const { status, stdout } = await user.run(["put", "one.txt", "two.txt", url, "--json"]);
    expect([status, objects(stdout)]).toEqual([
      0,
      [
        { ...ENTRY(), size: 4 },
        { ...ENTRY(), size: 4 },
      ],
    ]);
    expect((await user.run(["put", "-", url], { input: "three\n" })).status).toBe(0);
    expect(await user.run(["cp", "./one.txt", url])).toMatchObject({ status: 0, stderr: "" });
    expect(got).toEqual(["one\n", "two\n", "three\n", "one\n"]);
  });

  it("is watched: what comes, as it comes", async () => {
    const talkative = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.write("the light is on\r\n");
      setTimeout(() => socket.end("and off\r\n"), 100);
    });
    talkative.listen(0, "127.0.0.1");
    await once(talkative, "listening");
    const address = talkative.address();
    const port = typeof address === "object" ? address?.port : 0;
    for (const scheme of ["tcp", "telnet"]) {
      const { stdout } = await user.run(["watch", `${scheme}://127.0.0.1:${port}`, "--max-time", "1"]);
      expect(stdout).toContain("the light is on\nand off\n");
    }
    await new Promise((resolve) => talkative.close(resolve));
  });

  it("takes what only others' send takes for a mistake", async () => {
    for (const option of [
      ["--from", "a@example.org"],
      ["--expect", "x"],
      ["--script", "x.yaml"],
    ]) {
      const { status, stderr } = await user.run(["send", url, ...option]);
      expect([status, stderr]).toEqual([2, expect.stringContaining(option[0] ?? "")]);
    }
    expect(got).toEqual([]);
  });

  it("is found by a service's name", async () => {
    const { status, stderr } = await user.run(["get", "tcp://127.0.0.1:no-such-service"]);
    expect([status, stderr]).toEqual([2, expect.stringContaining("no service is named 'no-such-service'")]);
    expect(await user.run(["check", "tcp://127.0.0.1:tcpmux", "--json"])).toMatchObject({
      status: 4,
      stdout: expect.stringContaining('"url":"tcp://127.0.0.1:1"'),
    });
  });
});

describe("Telnet", () => {
  const STEPS = ["--expect", "login:", "--send", "porthole", "--expect", "Password:", "--send", "sandbox"];

  it("is sent steps", async () => {
    const args = ["send", sandbox.url("telnet"), ...STEPS, "--expect", "harbour$", "--send", "echo one two"];
    const { status, stdout } = await user.run([...args, "--expect", "two\r\n"]);
    expect([status, stdout]).toEqual([0, expect.stringContaining("one two\r\n")]);
  });

  it("is sent a script, from a file and from standard input", async () => {
    const script = "- send: porthole\n- expect: 'Password:'\n  send: sandbox\n- expect: harbour$\n";
    await writeFile(user.path("login.yaml"), script);
    for (const [args, input] of [
      [["--script", "login.yaml"], ""],
      [["--script", "-"], script],
    ] as const) {
      const { status, stdout } = await user.run(["send", sandbox.url("telnet"), ...args], { input });
      expect([status, stdout]).toEqual([0, expect.stringContaining("Welcome to the harbour")]);
    }
    expect(await user.run(["send", sandbox.url("telnet"), "--script", "none.yaml"])).toMatchObject({
      status: 12,
    });
  });

  it("takes mails for a mistake", async () => {
    const { status, stderr } = await user.run(["send", sandbox.url("telnet"), "--subject", "Hi"]);
    expect([status, stderr]).toEqual([2, expect.stringContaining("--subject is not for Telnet")]);
  });
});

it("the article of a page alone is shown", async () => {
  const words =
    "<p>The light turns, and the water shines, again and again, as far as one can see.</p>".repeat(20);
  const page = `<title>The light</title><nav>Menu</nav><article><h1>The light</h1>${words}</article>`;
  const web = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () =>
      socket.end(
        `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
      ),
    );
  });
  web.listen(0, "127.0.0.1");
  await once(web, "listening");
  const address = web.address();
  const port = typeof address === "object" ? address?.port : 0;
  const { status, stdout } = await user.run([`http://127.0.0.1:${port}/`, "--reader", "--as", "text"]);
  web.close();
  expect([status, stdout]).toEqual([0, expect.stringContaining("The light turns")]);
  expect(stdout).not.toContain("Menu");
});

const ENTRY = () => ({ type: "session", name: url.slice("tcp://".length), url, socket: {} });
