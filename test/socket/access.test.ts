import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { describe, expect, it, vi } from "vitest";
import { perform, serve, steps } from "./performed.js";

/** What a peer from that address of this machine is told; "reset" where it is cut off. */
function heardFrom(localAddress: string, port: number): Promise<string> {
  return textOf(connect({ host: "127.0.0.1", port, localAddress })).catch(() => "reset");
}

function securely(localAddress: string, port: number) {
  const socket = connect({ host: "127.0.0.1", port, localAddress });
  return connectTls({ socket, rejectUnauthorized: false });
}

describe("--allow and --deny", () => {
  it("let in whom they say, and tell whom not; the refused are not the one peer that is served", async () => {
    const options = { deny: ["127.0.0.2"], ...steps("send=hi") };
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], options);
    expect(await heardFrom("127.0.0.2", server.port)).toMatch(/^(?:reset)?$/);
    expect(await heardFrom("127.0.0.1", server.port)).toBe("hi");
    await server.ended;
    expect(server.warnings[1]).toMatch(/^refused 127\.0\.0\.2:\d+$/);
    expect(server.warnings[2]).toMatch(/^Got connection from 127\.0\.0\.1:\d+$/);
  });

  it("before a TLS handshake, at a listener of both families too", async () => {
    const options = { allow: ["127.0.0.0/30"], deny: ["127.0.0.2"], "keep-open": true, ...steps("send=hi") };
    const server = await serve("socket", "listen", ["tls://:0"], options);
    const { port } = server;
    const refused = securely("127.0.0.2", port);
    await expect(once(refused, "secureConnect")).rejects.toThrow();
    const welcome = securely("127.0.0.3", port);
    expect(await textOf(welcome)).toBe("hi");
    await server.stop();
    expect(server.warnings.slice(0, 3).map((text) => text.replace(/\d+(?:,.*)?$/, ""))).toEqual([
      "listening on [::]:",
      "refused 127.0.0.2:",
      "Got connection from 127.0.0.3:",
    ]);
  });

  it("for a relay, as an event, and for datagrams once an address", async () => {
    const relay = await serve("socket", "relay", ["tcp://127.0.0.1:0", "tcp://127.0.0.1:1"], {
      allow: ["::1"],
    });
    expect(await heardFrom("127.0.0.1", relay.port)).toMatch(/^(?:reset)?$/);
    await vi.waitFor(() => expect(relay.warnings[1]).toMatch(/^refused 127\.0\.0\.1:\d+$/));
    await relay.stop();

    let port = 0;
    const records: unknown[] = [];
    const ended = perform(
      "socket",
      "listen",
      ["udp://127.0.0.1:0"],
      { json: true, deny: ["127.0.0.2"] },
      {
        onRecord: (data) => {
          records.push(data);
          if (data["event"] === "listening") port = Number(data["port"]);
        },
      },
    );
    await vi.waitFor(() => expect(port).toBeGreaterThan(0));
    const [bad, good] = [
      createSocket("udp4").bind(0, "127.0.0.2"),
      createSocket("udp4").bind(0, "127.0.0.1"),
    ];
    for (let time = 0; time < 2; time++) bad.send("bad", port, "127.0.0.1");
    await vi.waitFor(() => expect(records).toHaveLength(2));
    good.send("good", port, "127.0.0.1");
    expect((await ended).records).toMatchObject([
      { event: "listening" },
      { event: "refused", address: "127.0.0.2" },
      { event: "data", text: "good" },
    ]);
    bad.close();
    good.close();
  });

  it("are no use at a Unix socket", async () => {
    await expect(
      perform("socket", "listen", ["unix:/tmp/porthole-never"], { allow: ["::1"] }),
    ).rejects.toMatchObject({ code: "usage" });
  });
});
