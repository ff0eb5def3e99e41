import { once } from "node:events";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { script, scripted } from "../../fixtures/servers/scripted.js";
import { Transcript } from "../../src/net/transcript.js";
import { perform, serve } from "./performed.js";

describe("a relay", () => {
  it("passes on both ways, TLS taken off, each end's close with it, and all of it in the transcript", async () => {
    const tls = await makeTlsMaterial();
    await using server = await scripted(
      script().send("220 ready\r\n").expect("QUIT").eof().send("221 bye\r\n").drop(),
      {
        tls,
      },
    );
    const transcript = new Transcript();
    const seen: string[] = [];
    transcript.subscribe(({ direction, bytes, purpose }) => {
      if (bytes !== undefined) seen.push(`${purpose} ${direction} ${bytes.toString().trim()}`);
    });
    const settings = { transcript, network: { tls: { insecure: true } } };
    const relay = await serve("socket", "relay", ["tcp://127.0.0.1:0", server.url("tls")], {}, { settings });
    const client = connect({ host: "127.0.0.1", port: relay.port, allowHalfOpen: true });
    const [greeting] = await once(client, "data");
    expect(String(greeting)).toBe("220 ready\r\n");
    client.end("QUIT\r\n");
    expect(await textOf(client)).toBe("221 bye\r\n");
    await server.done;
    await relay.stop();
    expect(seen).toEqual([
      "to server 220 ready",
      "from client 220 ready",
      "from server QUIT",
      "to client QUIT",
      "to server 221 bye",
      "from client 221 bye",
    ]);
  });

  it("goes on when its far end is not there", async () => {
    const relay = await serve("socket", "relay", ["tcp://127.0.0.1:0", "tcp://127.0.0.1:1"]);
    for (let time = 0; time < 2; time++) {
      expect(await textOf(connect(relay.port, "127.0.0.1"))).toBe("");
    }
    await relay.stop();
    expect(relay.warnings.filter((text) => text.includes("connection refused"))).toHaveLength(2);
  });

  it("says by which certificate it can be known, where it made one", async () => {
    const relay = await serve("socket", "relay", ["tls://127.0.0.1:0", "tcp://127.0.0.1:1"]);
    await relay.stop();
    expect(relay.warnings[0]).toMatch(
      /^relaying from 127\.0\.0\.1:\d+ to 127\.0\.0\.1:1, certificate SHA-256 (?:[\dA-F]{2}:){31}[\dA-F]{2}$/,
    );
  });

  it("has two ends", async () => {
    await expect(perform("socket", "relay", ["tcp://:0"])).rejects.toMatchObject({ code: "usage" });
  });
});
