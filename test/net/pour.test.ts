import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { type ScriptedServer, script, scripted } from "../../fixtures/servers/scripted.js";
import { PortholeError } from "../../src/errors.js";
import type { NetworkSettings } from "../../src/net/settings.js";
import { dial, endpointOf, failureOf, textOf, watchedDialer } from "./dialing.js";

const MIB = 1024 * 1024;
/** Octets that tell their place. */
const SOME = Buffer.from(Array.from({ length: 3 * MIB + 17 }, (_, at) => at % 251));

interface Way {
  readonly name: string;
  readonly serve: (play: ReturnType<typeof script>) => Promise<ScriptedServer>;
  readonly connect: (server: ScriptedServer, settings?: Partial<NetworkSettings>) => ReturnType<typeof dial>;
}

const material = await makeTlsMaterial();
const WAYS: readonly Way[] = [
  {
    name: "dialed for bulk",
    serve: (play) => scripted(play),
    connect: (server, settings) => dial(endpointOf(server, { bulk: true }), settings),
  },
  {
    name: "dialed as always",
    serve: (play) => scripted(play),
    connect: (server, settings) => dial(endpointOf(server), settings),
  },
  {
    name: "under TLS",
    serve: (play) => scripted(play, { tls: material }),
    connect: (server, settings = {}) =>
      dial(endpointOf(server, { tls: {}, bulk: true }), { ...settings, tls: { insecure: true } }),
  },
];

describe.each(WAYS)("a connection $name tells what comes next", ({ serve, connect }) => {
  it("piece by piece, to the end", async () => {
    await using server = await serve(script().send(SOME).drop());
    const connection = await connect(server);
    const taken: Buffer[] = [];
    for (let next = await connection.next(); next !== undefined; next = await connection.next()) {
      // Nothing of a piece may change when the next one is read.
      taken.push(next);
    }
    expect(Buffer.concat(taken).equals(SOME)).toBe(true);
    expect(connection.ended).toBe(true);
    expect(connection.errored).toBe(null);
    expect(await connection.next()).toBeUndefined();
    connection.destroy();
  });

  it("and then pours the rest", async () => {
    await using server = await serve(script().send("head\r\n").pause(20).send(SOME).drop());
    const connection = await connect(server);
    const taken = [await connection.next()];
    await connection.pour((octets) => void taken.push(Buffer.from(octets)));
    const whole = Buffer.concat(taken.map((piece) => piece ?? Buffer.alloc(0)));
    expect(whole.equals(Buffer.concat([Buffer.from("head\r\n"), SOME]))).toBe(true);
    connection.destroy();
  });

  it("nothing when it is destroyed meanwhile, and is not silent without being told", async () => {
    await using server = await serve(script().pause(10_000));
    const left = await connect(server);
    const nothing = left.next();
    left.destroy(new PortholeError("other", "enough"));
    expect(await nothing).toBeUndefined();
    expect(left.errored?.message).toBe("enough");
    const impatient = await connect(server, { idleTimeout: 50 });
    expect(await impatient.next()).toBeUndefined();
    expect(impatient.errored?.message).toContain("no answer");
  });

  it("and takes no pause of ours for silence of the other side", async () => {
    await using server = await serve(script().send("one").pause(400).send("two").drop());
    const connection = await connect(server, { idleTimeout: 100 });
    expect(String(await connection.next())).toBe("one");
    // Longer than the limit, and nobody asks for more.
    await sleep(600);
    expect(connection.errored).toBe(null);
    expect(String(await connection.next())).toBe("two");
    connection.destroy();
  });

  it("what nobody expects, when it was laid aside, and its end", async () => {
    await using speaks = await serve(script().pause(20).send("unasked").pause(10_000));
    const spoken = await connect(speaks);
    await new Promise<void>((resolve) => spoken.layAside(resolve));
    expect(spoken.readableLength).toBeGreaterThan(0);
    spoken.destroy();
    await using ends = await serve(script().pause(20).drop());
    const ended = await connect(ends);
    await new Promise<void>((resolve) => ended.layAside(resolve));
    expect(ended.ended).toBe(true);
    ended.destroy();
  });

  it("nothing of the kind when it was taken up again", async () => {
    await using server = await serve(script().expect("ask").send("answer").pause(10_000));
    const connection = await connect(server);
    connection.layAside(() => connection.destroy());
    connection.takeUp();
    connection.write("ask\r\n");
    expect((await connection.next())?.toString()).toBe("answer");
    expect(connection.destroyed).toBe(false);
    connection.destroy();
  });
});

describe.each(WAYS)("a connection $name pours", ({ serve, connect }) => {
  it("all that comes, to the end", async () => {
    await using server = await serve(script().send(SOME).drop());
    const connection = await connect(server);
    const taken: Buffer[] = [];
    expect(await connection.pour((octets) => void taken.push(Buffer.from(octets)))).toBe(SOME.length);
    expect(Buffer.concat(taken).equals(SOME)).toBe(true);
    expect(connection.bytesRead).toBe(SOME.length);
    connection.destroy();
  });

  it("what had been read before, and then the rest", async () => {
    await using server = await serve(script().send("head\r\n").pause(20).send(SOME).drop());
    const connection = await connect(server);
    await once(connection, "readable");
    const taken: Buffer[] = [];
    await connection.pour((octets) => void taken.push(Buffer.from(octets)));
    expect(Buffer.concat(taken).equals(Buffer.concat([Buffer.from("head\r\n"), SOME]))).toBe(true);
    connection.destroy();
  });

  it("so many octets; what comes after them is read as always", async () => {
    await using server = await serve(
      script()
        .send(Buffer.concat([SOME, Buffer.from("after")]))
        .drop(),
    );
    const connection = await connect(server);
    let poured = 0;
    const take = (octets: Buffer) => {
      expect(octets.equals(SOME.subarray(poured, poured + octets.length))).toBe(true);
      poured += octets.length;
    };
    expect(await connection.pour(take, SOME.length)).toBe(SOME.length);
    expect(await textOf(connection)).toBe("after");
  });

  it("at the pace of whoever takes", async () => {
    await using server = await serve(script().send(SOME).drop());
    const connection = await connect(server);
    const taken: Buffer[] = [];
    let under = 0;
    await connection.pour(async (octets) => {
      under += 1;
      const before = Buffer.from(octets);
      await sleep(2);
      // Nothing was read into it, and nobody else was called meanwhile.
      expect(octets.equals(before)).toBe(true);
      expect(under).toBe(1);
      under -= 1;
      taken.push(before);
    });
    expect(Buffer.concat(taken).equals(SOME)).toBe(true);
    connection.destroy();
  });

  it("less than was wanted, when the other side ends", async () => {
    await using server = await serve(script().send("12345").drop());
    const connection = await connect(server);
    expect(await connection.pour(() => undefined, 10)).toBe(5);
    expect(await connection.pour(() => undefined, 10)).toBe(0);
    connection.destroy();
  });

  it("until whoever takes fails, at once or later", async () => {
    for (const fail of [
      () => {
        throw new PortholeError("local", "no room");
      },
      async () => {
        await sleep(1);
        throw new PortholeError("local", "no room");
      },
    ]) {
      await using server = await serve(script().send(SOME).pause(1000));
      const connection = await connect(server);
      expect(await failureOf(connection.pour(fail))).toMatchObject({ code: "local" });
      connection.destroy();
    }
  });

  it("until the idle limit, which does not count while somebody takes", async () => {
    await using server = await serve(script().send("1").pause(2000));
    const connection = await connect(server, { idleTimeout: 150 });
    let took = 0;
    const failure = await failureOf(
      connection.pour(async () => {
        await sleep(400);
        took += 1;
      }),
    );
    expect(failure).toMatchObject({ code: "timeout" });
    expect(took).toBe(1);
  });

  it("until it is destroyed", async () => {
    await using server = await serve(script().send("1").pause(2000));
    const connection = await connect(server);
    setTimeout(() => connection.destroy(new PortholeError("aborted", "enough")), 30);
    expect(await failureOf(connection.pour(() => undefined))).toMatchObject({ code: "aborted" });
  });
});

describe("a connection that was dialed for bulk", () => {
  it("is read like any other", async () => {
    await using server = await scripted(script().send(SOME).drop());
    const connection = await dial(endpointOf(server, { bulk: true }));
    const chunks: Buffer[] = [];
    for await (const chunk of connection) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(SOME)).toBe(true);
  });

  it("keeps what came before somebody listened", async () => {
    await using server = await scripted(script().sendLines("220 early").pause(1000));
    const connection = await dial(endpointOf(server, { bulk: true }));
    await sleep(30);
    const [line] = await once(connection.setEncoding("latin1"), "data");
    expect(line).toBe("220 early\r\n");
    connection.destroy();
  });

  it("shows in the transcript what it poured, as it was", async () => {
    await using server = await scripted(script().sendLines("one", "two").pause(20).sendLines("three").drop());
    const { dialer, seen } = watchedDialer();
    const connection = await dialer.dial(endpointOf(server, { bulk: true }), new AbortController().signal);
    await connection.pour(() => undefined);
    connection.destroy();
    expect(seen.filter((line) => line.startsWith("S: ")).join("")).toBe("S: one\r\ntwo\r\nS: three\r\n");
  });

  it("obeys the rate limit", async () => {
    await using server = await scripted(script().send(Buffer.alloc(40_000)).drop());
    const connection = await dial(endpointOf(server, { bulk: true }), { rateLimit: 100_000 });
    const began = performance.now();
    expect(await connection.pour(() => undefined)).toBe(40_000);
    expect(performance.now() - began).toBeGreaterThan(100);
    connection.destroy();
  });

  it("stays in clear", async () => {
    await using server = await scripted(script().pause(1000));
    const connection = await dial(endpointOf(server, { bulk: true }));
    expect(await failureOf(connection.startTls())).toMatchObject({ code: "usage" });
    connection.destroy();
  });
});
