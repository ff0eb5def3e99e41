import { describe, expect, it } from "vitest";
import { Transcript } from "../../src/net/transcript.js";
import type { Options } from "../../src/plugin.js";
import { failure, inHarbour, list, read } from "./talk.js";

const ALWAYS = { options: { compress: "always" } } as const;

describe("a deflated session (RFC 8054)", () => {
  it("gives what one in clear gives", async () => {
    await inHarbour(async ({ open }) => {
      const [deflated, clear] = [await open(ALWAYS), await open()];
      for (const path of ["/", "/harbour.lights"]) {
        expect((await list(deflated, path)).map(({ name }) => name)).toEqual(
          (await list(clear, path)).map(({ name }) => name),
        );
      }
      const binary = "/harbour.binaries/6";
      const [one, other] = [await read(deflated, binary), await read(clear, binary)];
      expect(one.length).toBeGreaterThan(1_000_000);
      expect(one.equals(other)).toBe(true);
    });
  });

  it("is one in clear on this machine, unless it is asked for", async () => {
    await inHarbour(async ({ open }) => {
      const said = async (options: Options) => {
        const transcript = new Transcript();
        const lines: string[] = [];
        transcript.subscribe(({ direction, bytes }) => {
          if (direction === "client") lines.push(String(bytes));
        });
        await list(await open({ transcript, options }), "/harbour.lights");
        return lines.join("");
      };
      expect(await said({})).not.toContain("COMPRESS");
      expect(await said({ compress: "always" })).toContain("COMPRESS DEFLATE");
    });
  });

  it("is refused by a server that does not offer it", async () => {
    await inHarbour(
      async ({ open }) => {
        expect(await failure(open(ALWAYS))).toMatchObject({ code: "refused" });
      },
      { compress: false },
    );
  });
});
