import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { accessBy } from "../../src/net/access.js";
import { DEFAULT_NETWORK } from "../../src/net/settings.js";

const { signal } = new AbortController();

/** Of these addresses those that are let in. */
async function admitted(
  rules: { allow?: string[]; deny?: string[] },
  addresses: readonly string[],
  settings = DEFAULT_NETWORK,
): Promise<string[]> {
  const admits = await accessBy({ allow: [], deny: [], ...rules }, settings, signal);
  return addresses.filter(admits);
}

describe("who may connect", () => {
  it("addresses and blocks of both families; the denied whatever else", async () => {
    const addresses = ["10.0.0.1", "10.0.0.9", "10.0.1.1", "2001:db8::1", "2001:db9::1", "fe80::1%eth0"];
    const rules = { allow: ["10.0.0.0/24,2001:db8::/32", "fe80::1"], deny: ["10.0.0.9"] };
    expect(await admitted(rules, addresses)).toEqual(["10.0.0.1", "2001:db8::1", "fe80::1%eth0"]);
    expect(await admitted({ deny: ["10.0.0.8/29", "[2001:db8::]/31"] }, addresses)).toEqual([
      "10.0.0.1",
      "10.0.1.1",
      "fe80::1%eth0",
    ]);
    expect(await admitted({ allow: ["0.0.0.0/0"] }, ["1.2.3.4", "::1"])).toEqual(["1.2.3.4"]);
  });

  it("IPv4 addresses in their IPv6 form, on either side and in either spelling", async () => {
    const addresses = ["::ffff:10.0.0.1", "::ffff:a00:1", "::FFFF:10.0.1.1", "10.0.0.1"];
    const within = ["::ffff:10.0.0.1", "::ffff:a00:1", "10.0.0.1"];
    for (const allow of ["10.0.0.0/24", "::ffff:10.0.0.0/120", "0:0:0:0:0:ffff:a00:1"]) {
      expect(await admitted({ allow: [allow] }, addresses)).toEqual(within);
    }
    expect(await admitted({ deny: ["10.0.0.0/24"] }, addresses)).toEqual(["::FFFF:10.0.1.1"]);
  });

  it("names, by all their addresses, and what a file lists", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-access-"));
    const file = join(folder, "who, and who not");
    await writeFile(file, "# friends\n10.0.0.1  10.0.0.2 # both\n\nfriend.example,10.1.0.0/16\r\n");
    const settings = {
      ...DEFAULT_NETWORK,
      resolve: new Map([["friend.example:0", ["192.0.2.1", "2001:db8::1"]]]),
    };
    const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.1.2.3", "192.0.2.1", "2001:db8::1"];
    const allowed = addresses.filter((address) => address !== "10.0.0.3");
    expect(await admitted({ allow: [`@${file}`] }, addresses, settings)).toEqual(allowed);
    expect(await admitted({ allow: [`@${file}`] }, addresses, { ...settings, family: 4 })).toEqual(allowed);
    await rm(folder, { recursive: true });
    await expect(admitted({ allow: [`@${file}`] }, [])).rejects.toMatchObject({ code: "local" });
  });

  it.each([
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0/8",
    "10.0.0.256",
    "::/129",
    "::ffff:1.2.3.4/90",
    "host/8",
    "!",
  ])("%s is a mistake, and no rule", async (item) => {
    await expect(admitted({ deny: [item] }, [])).rejects.toMatchObject({ code: "usage" });
  });
});
