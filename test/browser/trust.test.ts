/** A certificate that nobody vouches for: the person is asked, sees what is asked, and is asked once. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { script, scripted } from "../../fixtures/servers/scripted.js";
import { Browsing } from "./browsing.js";

it("is asked about with all of its fingerprint, left after n, and opened after y", async () => {
  const stateFolder = await mkdtemp(join(tmpdir(), "porthole-trust-"));
  try {
    const menu = script().expect("").send("iThe quiet harbour\t\t\t0\r\n.\r\n");
    await using server = await scripted([script(), script(), menu, menu], {
      tls: await makeTlsMaterial(),
      timeout: 5000,
    });
    await using at = await Browsing.open({
      url: `gophers://127.0.0.1:${server.port}/`,
      columns: 60,
      rows: 12,
      client: { stateFolder },
    });
    const asked = await at.sees(/from now on\?\s\[y\/n\]$/);
    expect(asked.replace(/\n/g, "")).toMatch(/SHA-256 ?(?:[0-9A-F]{2}:){31}[0-9A-F]{2}\)/);
    at.press("n");
    await at.sees("--tofu trusts this one");
    at.press("g", `gophers://127.0.0.1:${server.port}/`, "Enter");
    await at.sees(/from now on\?\s\[y\/n\]$/);
    at.press("y");
    await at.sees("The quiet harbour");
    at.press("r");
    await server.done;
    expect(at.screen.strange).toEqual([]);
  } finally {
    await rm(stateFolder, { recursive: true });
  }
});
