import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { Client } from "../../src/client.js";
import type { Entry } from "../../src/plugin.js";

function clientOf(sandbox: Sandbox): Client {
  return new Client({ network: { tls: { caFile: sandbox.caFile } } });
}

/** What a URL leads to: a menu's entries, or a document's octets. */
async function open(client: Client, url: string): Promise<{ entries: Entry[]; octets: Buffer }> {
  const target = client.target(url);
  const session = await client.open(target);
  try {
    const { kind } = (await session.stat?.(target.path)) ?? {};
    const entries: Entry[] = [];
    if (kind === "menu") for await (const entry of session.list?.(target.path) ?? []) entries.push(entry);
    const document = kind === "menu" ? undefined : await session.read?.(target.path);
    return { entries, octets: document === undefined ? Buffer.alloc(0) : await buffer(document.body) };
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

describe.each(["gopher", "gophers"])("the sandbox's %s hole", (scheme) => {
  it("can be walked by the URLs that its menus give, and nothing else", async () => {
    await using sandbox = await startSandbox({ only: ["gopher"] });
    const client = clientOf(sandbox);
    const root = sandbox.url(scheme);
    const waiting = [root];
    const seen = new Map<string, number>();
    const failed: string[] = [];
    for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
      if (seen.has(url)) continue;
      expect(url.startsWith(root)).toBe(true);
      try {
        const { entries, octets } = await open(client, url);
        seen.set(url, octets.length);
        waiting.push(...entries.filter(({ kind }) => kind !== "note").map((entry) => entry.url));
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: "missing", exit: 8 });
        failed.push(url);
        seen.set(url, 0);
      }
    }
    expect(failed).toEqual([`${root}1/lost`]);
    expect(seen.get(`${root}9/things/octets.bin`)).toBe(65_541);
    expect(seen.get(`${root}9/bytes/1000000`)).toBe(1_000_000);
    expect(seen.has(`${root}1/walk/pier/stair`)).toBe(true);
  });

  it("finds texts", async () => {
    await using sandbox = await startSandbox({ only: ["gopher"] });
    const client = clientOf(sandbox);
    const session = await client.open(client.target(sandbox.url(scheme)));
    const found: Entry[] = [];
    for await (const entry of session.search?.("/7/search", "fog") ?? []) found.push(entry);
    await session[Symbol.asyncDispose]();
    expect(found.map(({ url }) => url)).toContain(`${sandbox.url(scheme)}0/texts/fog.txt`);
  });
});

describe("TLS", () => {
  it("refuses a certificate of an authority that nobody trusts", async () => {
    await using sandbox = await startSandbox({ only: ["gopher"] });
    await expect(open(new Client(), sandbox.url("gophers"))).rejects.toMatchObject({ code: "tls", exit: 5 });
  });

  it("is not found on a port without it", async () => {
    await using sandbox = await startSandbox({ only: ["gopher"] });
    const plain = sandbox.url("gopher").replace("gopher:", "gophers:");
    // The server takes the handshake for the beginning of a selector and waits for its end.
    const client = new Client({ network: { connectTimeout: 300 } });
    await expect(open(client, plain)).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:tls|timeout)$/),
    });
  });
});
