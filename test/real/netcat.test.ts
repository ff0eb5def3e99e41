import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { perform, serve, steps } from "../socket/performed.js";
import { freePort } from "./free-port.js";

const NC = "/usr/bin/nc";
const NCAT = "/usr/bin/ncat";
const SOCAT = "/usr/bin/socat";

interface Run {
  readonly child: ChildProcess;
  readonly output: Promise<string>;
  readonly ended: Promise<unknown>;
}

function start(program: string, args: readonly string[], input?: string): Run {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
  child.stdin.on("error", () => undefined);
  if (input !== undefined) child.stdin.end(input);
  return { child, output: textOf(child.stdout), ended: once(child, "close") };
}

/** Repeats until it listens: these programs do not say when they do. */
async function whenUp<T>(act: () => Promise<T>): Promise<T> {
  for (let left = 100; ; left--) {
    try {
      return await act();
    } catch (thrown) {
      if (left === 0) throw thrown;
      await sleep(30);
    }
  }
}

const titled = (name: string, program: string) =>
  existsSync(program) ? name : `${name} (${name} not installed)`;

describe.skipIf(!existsSync(NC))(titled("nc", NC), () => {
  it("is a client of our server", async () => {
    const server = await serve(
      "socket",
      "listen",
      ["tcp://127.0.0.1:0"],
      steps("send=Thank you for connecting"),
    );
    const nc = start(NC, ["-N", "127.0.0.1", String(server.port)], "hello from nc\n");
    expect(await nc.output).toBe("Thank you for connecting");
    expect((await server.ended).text).toBe("hello from nc\n");
  });

  it("is a server for our client", async () => {
    const port = await freePort();
    const nc = start(NC, ["-l", "-N", "127.0.0.1", String(port)], "hello from nc\n");
    const stdin = () => Readable.from([Buffer.from("and hello back\n")]);
    const { text } = await whenUp(() =>
      perform("socket", "connect", [`tcp://127.0.0.1:${port}`], {}, { stdin: stdin() }),
    );
    expect(text).toBe("hello from nc\n");
    expect(await nc.output).toBe("and hello back\n");
  });

  it("exchanges datagrams with us", async () => {
    const port = await freePort();
    const received = perform("socket", "recv", [`udp://127.0.0.1:${port}`]);
    await sleep(100);
    const nc = start(NC, ["-u", "-w", "1", "127.0.0.1", String(port)], "a datagram");
    expect((await received).text).toBe("a datagram");
    await nc.ended;
  });

  it("reaches us over a Unix socket", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-netcat-"));
    const path = join(folder, "socket");
    const ended = perform("socket", "listen", [`unix:${path}`], { echo: true });
    while (!existsSync(path)) await sleep(10);
    const nc = start(NC, ["-N", "-U", path], "round and back");
    expect(await nc.output).toBe("round and back");
    await ended;
    await rm(folder, { recursive: true });
  });
});

describe.skipIf(!existsSync(NCAT))(titled("ncat", NCAT), () => {
  it("is a client of our server under TLS", async () => {
    const server = await serve("socket", "listen", ["tls://127.0.0.1:0"], { echo: true });
    const ncat = start(NCAT, ["--ssl", "127.0.0.1", String(server.port)], "in secret\n");
    expect(await ncat.output).toBe("in secret\n");
    await server.ended;
  });

  it("is told the end of what our server sends under TLS, and does not take it for a truncation", async () => {
    const server = await serve("socket", "listen", ["tls://127.0.0.1:0"], {
      "keep-open": true,
      ...steps("send=all of it"),
    });
    for (let times = 0; times < 3; times++) {
      const ncat = start(NCAT, ["--ssl", "--recv-only", "127.0.0.1", String(server.port)], "");
      expect(await ncat.output).toBe("all of it");
    }
    await server.stop();
    // Who misses the end says so in an alert, which ends our side with a failure.
    expect(server.warnings.filter((warning) => warning.includes("TLS failed"))).toEqual([]);
  });

  it("is a server for our client under TLS", async () => {
    const port = await freePort();
    const ncat = start(NCAT, ["--ssl", "-l", "127.0.0.1", String(port)], "in secret\n");
    const settings = { network: { tls: { insecure: true } } };
    const { text } = await whenUp(() =>
      perform("socket", "connect", [`tls://127.0.0.1:${port}`], steps("send=and back\n"), { settings }),
    );
    expect(text).toBe("in secret\n");
    expect(await ncat.output).toBe("and back\n");
  });
});

describe.skipIf(!existsSync(SOCAT))(titled("socat", SOCAT), () => {
  it("echoes what our client sends, all of it", async () => {
    const port = await freePort();
    const socat = start(SOCAT, [`TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr`, "PIPE"]);
    const said = "all of it ".repeat(100_000);
    const stdin = () => Readable.from([Buffer.from(said)]);
    const { text } = await whenUp(() =>
      perform("socket", "connect", [`tcp://127.0.0.1:${port}`], {}, { stdin: stdin() }),
    );
    expect(text === said).toBe(true);
    await socat.ended;
  });

  it("goes through our relay to our server", async () => {
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], { echo: true });
    const relay = await serve("socket", "relay", ["tcp://127.0.0.1:0", `tcp://127.0.0.1:${server.port}`]);
    const socat = start(SOCAT, ["-t", "2", "-", `TCP:127.0.0.1:${relay.port}`], "there and back");
    expect(await socat.output).toBe("there and back");
    await server.ended;
    await relay.stop();
  });
});
