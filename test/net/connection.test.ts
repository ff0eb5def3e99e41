import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial, type TlsMaterial } from "../../fixtures/servers/certificate.js";
import { type ScriptedServer, script, scripted } from "../../fixtures/servers/scripted.js";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { RateLimit } from "../../src/net/rate.js";
import type { NetworkSettings } from "../../src/net/settings.js";
import { dial, endOf, endpointOf, eventually, failureOf, leavesNothing, textOf } from "./dialing.js";

const MIB = 1024 * 1024;

let folder: string;
let good: TlsMaterial;
let settings: Partial<NetworkSettings>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-connection-"));
  good = await makeTlsMaterial();
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, good.ca);
  settings = { tls: { caFile } };
});
afterAll(() => rm(folder, { recursive: true }));

/** One octet more than is there, as often as there is one. */
async function written(connection: Connection, octets: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    connection.write(octets, (error) => (error ? reject(error) : resolve()));
  });
}

describe("a server that goes without having read all", () => {
  /** What is sent to it lies unread as it closes, so the system resets the connection. A thread of its own: we stand still. */
  const LEAVING = `const { parentPort, workerData } = require("node:worker_threads");
    require("node:net").createServer({ pauseOnConnect: true }, (socket) => {
      socket.on("close", () => {
        Atomics.store(workerData, 0, 1);
        Atomics.notify(workerData, 0);
      });
      setTimeout(() => socket.write("too much of it\\r\\n", () => socket.destroy()), 100);
    }).listen(0, "127.0.0.1", function () { parentPort.postMessage(this.address().port); });`;

  async function leaving() {
    const gone = new Int32Array(new SharedArrayBuffer(4));
    const thread = new Worker(LEAVING, { eval: true, workerData: gone });
    const [port] = await once(thread, "message");
    return {
      host: "127.0.0.1",
      port: Number(port),
      /** Nothing of what happens until it has gone is seen before the next write. */
      standStill: () => expect(Atomics.wait(gone, 0, 0, 10_000)).not.toBe("timed-out"),
      [Symbol.asyncDispose]: async () => void (await thread.terminate()),
    };
  }

  it("is heard out by whoever writes on, and the writing fails after that", async () => {
    await using server = await leaving();
    const connection = await dial(endpointOf(server));
    const heard = textOf(connection);
    await written(connection, "one");
    server.standStill();
    const failed = failureOf(written(connection, "two"));
    expect(await heard).toBe("too much of it\r\n");
    expect(await failed).toMatchObject({ code: "connect" });
    expect(connection.destroyed).toBe(true);
  });

  it("and whom nobody listens to, is waited for a second", async () => {
    await using server = await leaving();
    const connection = await dial(endpointOf(server));
    await written(connection, "one");
    server.standStill();
    const began = performance.now();
    expect(await failureOf(written(connection, "two"))).toMatchObject({ code: "connect" });
    expect(performance.now() - began).toBeGreaterThan(900);
  });
});

describe.each(["TCP", "TLS"] as const)("half-close over %s", (kind) => {
  const serve = (play: ReturnType<typeof script>) => scripted(play, kind === "TLS" ? { tls: good } : {});
  const connect = (server: ScriptedServer) =>
    dial(endpointOf(server, kind === "TLS" ? { tls: {} } : {}), settings);

  it("by the client: the answer is still heard", async () => {
    await using server = await serve(script().expect("question").eof().sendLines("answer").drop());
    const connection = await connect(server);
    connection.end("question\r\n");
    expect(await textOf(connection)).toBe("answer\r\n");
    await server.done;
    if (!connection.closed) await once(connection, "close");
    expect(connection.errored).toBeNull();
  });

  it("by the server: what the client says is still taken", async () => {
    await using server = await serve(script().sendLines("enough").drop().expect("one more").eof());
    const connection = await connect(server);
    connection.resume();
    await once(connection, "end");
    await sleep(30);
    expect(connection.destroyed).toBe(false);
    connection.end("one more\r\n");
    await server.done;
  });

  it("by the server is no reason to wait for it: the idle limit rests", async () => {
    await using server = await serve(script().sendLines("enough").drop().drain());
    const connection = await dial(endpointOf(server, kind === "TLS" ? { tls: {} } : {}), {
      ...settings,
      idleTimeout: 60,
    });
    connection.resume();
    await once(connection, "end");
    await sleep(200);
    expect(connection.destroyed).toBe(false);
    connection.end();
    await server.done;
  });
});

describe.each(["TCP", "TLS"] as const)("back-pressure over %s", (kind) => {
  const options = () => (kind === "TLS" ? { tls: good } : {});
  const tls = kind === "TLS" ? { tls: {} } : {};

  it("of a slow reader stops the server, and memory stays flat", async () => {
    const size = 100 * MIB;
    await using server = await scripted(script().flood(size).drop(), options());
    const connection = await dial(endpointOf(server, tls), settings);
    const accepted = () => server.connections[0]?.accepted ?? 0;
    connection.once("readable", () => undefined);
    await eventually(() => accepted() > 0, "a beginning");
    let before = -1;
    // Full is when nothing moves any more.
    while (before !== accepted()) {
      before = accepted();
      await sleep(100);
    }
    expect(accepted()).toBeLessThan(32 * MIB);
    expect(connection.readableLength).toBeLessThan(MIB);
    // What is let go of is no matter here, only what is held.
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const memory = () => {
      collect();
      return process.memoryUsage().arrayBuffers;
    };
    const held = memory();
    let most = 0;
    let taken = 0;
    let looked = 0;
    for await (const chunk of connection) {
      taken += chunk.length;
      // Collecting takes its time, and the server has its limit.
      if (taken - looked < 4 * MIB) continue;
      looked = taken;
      most = Math.max(most, memory());
    }
    expect(taken).toBe(size);
    expect(connection.bytesRead).toBe(size);
    // Of 100 MB; both ends run in this process.
    expect(most - held).toBeLessThan(40 * MIB);
  });

  it("of a server that does not read stops the writer", async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using server = await scripted(
      script()
        .call(() => released)
        .drain(),
      options(),
    );
    const connection = await dial(endpointOf(server, tls), settings);
    const chunk = Buffer.alloc(64 * 1024, "x");
    let given = 0;
    const total = 64 * MIB;
    const done = pipeline(
      async function* () {
        for (; given < total; given += chunk.length) yield chunk;
      },
      connection,
      { end: true },
    );
    let before = -1;
    while (before !== given) {
      before = given;
      await sleep(100);
    }
    expect(given).toBeLessThan(32 * MIB);
    expect(connection.writableLength).toBeLessThan(MIB);
    release();
    connection.resume();
    await done;
    await server.done;
    expect(server.connections[0]?.drained).toBe(total);
    expect(connection.bytesWritten).toBe(total);
  });
});

describe("writing", () => {
  it("keeps the order of many small and large pieces", async () => {
    const pieces = Array.from({ length: 200 }, (_, at) => String(at % 10).repeat(at === 100 ? 3 * MIB : at));
    await using server = await scripted(script().expectUntil("END"));
    const connection = await dial(endpointOf(server));
    for (const piece of pieces) connection.write(piece);
    connection.write(Buffer.alloc(0));
    connection.end("END");
    await server.done;
    expect(server.received.equals(Buffer.from(`${pieces.join("")}END`))).toBe(true);
    expect(connection.bytesWritten).toBe(server.received.length);
    connection.destroy();
  });

  it("that is under way fails when the connection is destroyed", async () => {
    await using server = await scripted(script().pause(5000));
    const connection = await dial(endpointOf(server));
    const failed = failureOf(written(connection, Buffer.alloc(64 * MIB)));
    setTimeout(() => connection.destroy(), 50);
    expect(await failed).toMatchObject({
      code: "connect",
      message: "the connection was closed before all was sent",
    });
    expect(connection.bytesWritten).toBeLessThan(64 * MIB);
  });

  it("after the end is an error", async () => {
    await using server = await scripted(script().eof());
    const connection = await dial(endpointOf(server));
    connection.end();
    await expect(written(connection, "late")).rejects.toThrow("write after end");
    await server.done;
  });
});

describe("the rate limit", () => {
  it("holds for what comes", async () => {
    await using server = await scripted(script().flood(MIB).drop());
    const began = performance.now();
    const connection = await dial(endpointOf(server), { rateLimit: 2 * MIB });
    expect((await textOf(connection)).length).toBe(MIB);
    const seconds = (performance.now() - began) / 1000;
    expect(seconds).toBeGreaterThan(0.375);
    expect(seconds).toBeLessThan(3);
  });

  it("holds for what goes, in one piece or in many", async () => {
    for (const pieces of [1, 256]) {
      await using server = await scripted(script().drain());
      const began = performance.now();
      const connection = await dial(endpointOf(server), { rateLimit: 2 * MIB });
      const piece = Buffer.alloc(MIB / pieces, "x");
      for (let left = pieces; left > 0; left--) connection.write(piece);
      connection.end();
      await server.done;
      const seconds = (performance.now() - began) / 1000;
      expect(server.connections[0]?.drained).toBe(MIB);
      expect(seconds).toBeGreaterThan(0.375);
      expect(seconds).toBeLessThan(3);
      connection.destroy();
    }
  });

  it("sends a large piece little by little", async () => {
    await using server = await scripted(script().drain());
    const connection = await dial(endpointOf(server), { rateLimit: MIB });
    connection.write(Buffer.alloc(MIB, "x"));
    await sleep(150);
    expect(server.connections[0]?.drained).toBeLessThan(MIB / 2);
    connection.destroy();
  });

  it("is shared, counts a silence as a tenth of a second's worth, and no more", () => {
    const limit = new RateLimit(1000);
    expect(limit.burst).toBe(100);
    expect(limit.take(100, 10_000)).toBe(0);
    expect(limit.take(500, 10_000)).toBe(500);
    expect(limit.take(500, 10_000)).toBe(1000);
    expect(limit.take(100, 11_000)).toBe(100);
    expect(limit.take(100, 60_000)).toBe(0);
  });

  it("below ten octets a second still sends", () => {
    expect(new RateLimit(3).burst).toBe(1);
  });
});

describe("the idle limit", () => {
  it("ends the wait for a silent server", async () => {
    await using server = await scripted(script().send("hello").drain());
    const connection = await dial(endpointOf(server), { idleTimeout: 100 });
    const error = await failureOf(textOf(connection));
    expect([error.code, error.exit, error.message, error.hint]).toEqual([
      "timeout",
      6,
      "no answer from 127.0.0.1 for 0.1 s",
      "--timeout sets how long to wait",
    ]);
    await server.done;
  });

  it("ends the wait of a listener for data events", async () => {
    await using server = await scripted(script().drain());
    const connection = await dial(endpointOf(server), { idleTimeout: 60 });
    connection.on("data", () => undefined);
    expect(await endOf(connection)).toMatchObject({ code: "timeout" });
  });

  it("begins anew with every octet", async () => {
    await using server = await scripted(script().sendSlowly("0123456789", 50).drop());
    const connection = await dial(endpointOf(server), { idleTimeout: 300 });
    expect(await textOf(connection)).toBe("0123456789");
  });

  it("rests while nobody waits for anything", async () => {
    await using server = await scripted(script().send("hello").expect("QUIT").send("bye").drop());
    const connection = await dial(endpointOf(server), { idleTimeout: 60 });
    await once(connection, "readable");
    expect(String(connection.read())).toBe("hello");
    // Between two commands: a person thinks, another connection works.
    await sleep(250);
    expect(connection.destroyed).toBe(false);
    connection.write("QUIT\r\n");
    expect(await textOf(connection)).toBe("bye");
    await server.done;
  });

  it("rests for a reader that takes its time with what came", async () => {
    await using server = await scripted(script().send("one").expect("next").send("two").drop());
    const connection = await dial(endpointOf(server), { idleTimeout: 60 });
    const heard: string[] = [];
    for await (const chunk of connection) {
      heard.push(String(chunk));
      await sleep(250);
      if (heard.length === 1) connection.write("next\r\n");
    }
    expect(heard).toEqual(["one", "two"]);
  });

  it("rests under back-pressure", async () => {
    await using server = await scripted(
      script()
        .flood(8 * MIB)
        .drop(),
    );
    const connection = await dial(endpointOf(server), { idleTimeout: 60 });
    connection.on("data", () => undefined);
    await once(connection, "data");
    connection.pause();
    await sleep(250);
    expect(connection.destroyed).toBe(false);
    connection.resume();
    await once(connection, "end");
    expect(connection.bytesRead).toBe(8 * MIB);
    connection.destroy();
  });

  it("rests for a listener that has paused", async () => {
    await using server = await scripted(script().send("hello").drain());
    const connection = await dial(endpointOf(server), { idleTimeout: 60 });
    connection.on("data", () => connection.pause());
    await once(connection, "data");
    await sleep(250);
    expect(connection.destroyed).toBe(false);
    connection.resume();
    expect(await endOf(connection)).toMatchObject({ code: "timeout" });
  });

  it("rests while patient, and no longer", async () => {
    await using server = await scripted(script().drain());
    const connection = await dial(endpointOf(server, { patient: true }), { idleTimeout: 60 });
    const read = failureOf(textOf(connection));
    await sleep(250);
    expect(connection.destroyed).toBe(false);
    connection.patient = false;
    expect((await read).code).toBe("timeout");
    expect(connection.bytesRead).toBe(0);
  });

  it("rests while the rate limit holds things back", async () => {
    await using server = await scripted(script().flood(20_000).drop());
    const connection = await dial(endpointOf(server), { idleTimeout: 40, rateLimit: 40_000 });
    expect((await textOf(connection)).length).toBe(20_000);
  });

  it("ends the wait for a server that takes nothing", async () => {
    await using server = await scripted(script().pause(5000));
    const connection = await dial(endpointOf(server), { idleTimeout: 100 });
    expect((await failureOf(written(connection, Buffer.alloc(64 * MIB)))).code).toBe("timeout");
  });

  it("heeds that a large piece is being taken", async () => {
    // Some 0.6 s in all, never 0.3 s without progress.
    const slow = script().call(async (client) => {
      for (let rest = 16 * MIB; rest > 0; rest -= MIB) {
        await client.readBytes(MIB);
        await client.pause(40);
      }
    });
    await using server = await scripted(slow, { keep: 32 * MIB });
    const connection = await dial(endpointOf(server), { idleTimeout: 300 });
    await written(connection, Buffer.alloc(16 * MIB));
    await server.done;
    connection.destroy();
  });

  it("of 0 is none", async () => {
    await using server = await scripted(script().pause(150).send("late").drop());
    const connection = await dial(endpointOf(server), { idleTimeout: 0 });
    expect(await textOf(connection)).toBe("late");
  });
});

describe("an end", () => {
  it("in the middle of a loop leaves nothing open", async () => {
    await leavesNothing(async () => {
      await using server = await scripted(script().flood(50 * MIB));
      const connection = await dial(endpointOf(server), { rateLimit: 10 * MIB });
      for await (const chunk of connection) if (chunk.length > 0) break;
      expect(connection.destroyed).toBe(true);
      await server.done;
    });
  });

  it("stops the rate limit's clock", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    await using server = await scripted(script().drain());
    const connection = await dial(endpointOf(server), { rateLimit: 1 });
    const before = timers();
    connection.write("slowly");
    await eventually(() => timers() > before, "a wait");
    connection.destroy();
    expect(timers()).toBe(before);
    await server.done;
  });

  it("with an error tells readers and writers the same", async () => {
    await using server = await scripted(script().drain());
    const connection = await dial(endpointOf(server));
    const reason = new PortholeError("protocol", "nonsense came");
    const read = failureOf(textOf(connection));
    connection.destroy(reason);
    expect(await read).toBe(reason);
    expect(connection.errored).toBe(reason);
    await server.done;
  });
});
