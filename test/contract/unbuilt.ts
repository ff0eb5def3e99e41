/** A row of the table without code refuses plainly, and leaves the network alone. */
import { expect, it } from "vitest";
import { script, scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import type { Manifest } from "../../src/plugin.js";

export function describeUnbuilt(manifest: Manifest): void {
  it.each(Object.keys(manifest.schemes))("refuses %s: before it connects", async (scheme) => {
    await using server = await scripted(script());
    const client = new Client();
    const events: unknown[] = [];
    client.transcript.subscribe((event) => events.push(event));
    const target = client.target(server.url(scheme, "/x"));
    expect(target.protocol).toBe(manifest.name);
    await expect(client.open(target)).rejects.toMatchObject({
      code: "usage",
      exit: 2,
      protocol: manifest.name,
      message: expect.stringContaining("cannot be used yet"),
      hint: "`porthole protocols` shows what each protocol can do",
    });
    expect(() => client.require(target, "ls", ["ls"])).toThrow(
      expect.objectContaining({
        code: "usage",
        exit: 2,
        protocol: manifest.name,
        message: `${manifest.title} cannot be used yet`,
      }),
    );
    expect(events).toEqual([]);
    expect(server.connections).toEqual([]);
  });
}
