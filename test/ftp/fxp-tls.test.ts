/** From server to server under TLS: one of the two has to begin it, and go on as ever with us afterwards. */
import { describe, expect, it } from "vitest";
import type { FtpOptions } from "../../fixtures/servers/ftp.js";
import { Client } from "../../src/client.js";
import { Transcript } from "../../src/net/transcript.js";
import { type CpEvent, cp } from "../../src/verbs/cp.js";
import { contentOf, failureOf, names, opened } from "./opened.js";
import { prepareSandbox, type Sandbox, sandbox, trusting } from "./served.js";

prepareSandbox();

async function passed(
  from: string,
  to: string,
  options: Record<string, unknown> = {},
): Promise<{ events: CpEvent[]; said: string }> {
  const transcript = new Transcript();
  let said = "";
  transcript.subscribe(({ direction, bytes }) => {
    if (direction === "client") said += String(bytes ?? "");
  });
  const client = new Client({ ...trusting(), transcript, options: { fxp: true, ...options } });
  const events: CpEvent[] = [];
  for await (const event of cp({ client, from: [from], to, recursive: from.endsWith("/") }))
    events.push(event);
  return { events, said };
}

async function two(
  one: Partial<FtpOptions>,
  other: Partial<FtpOptions>,
  act: (one: Sandbox, other: Sandbox) => Promise<void>,
): Promise<void> {
  await sandbox({ requireTls: true, ...one }, (first) =>
    sandbox({ requireTls: true, ...other }, (second) => act(first, second)),
  );
}

describe("cp --fxp under TLS", () => {
  const ways: [string, Partial<FtpOptions>, Partial<FtpOptions>, RegExp][] = [
    ["SSCN at the target", {}, { beginsTls: "SSCN" }, /SSCN ON.*PASV.*RETR.*SSCN OFF/s],
    ["SSCN at the source", { beginsTls: "SSCN" }, {}, /SSCN ON.*PASV.*RETR.*SSCN OFF/s],
    ["CPSV at the target", {}, { beginsTls: "CPSV" }, /CPSV.*PORT.*RETR/s],
    ["CPSV at the source", { beginsTls: "CPSV" }, {}, /CPSV.*PORT.*RETR/s],
  ];
  it.each(ways)("goes by %s", async (_name, one, other, dialogue) => {
    await two(one, other, async ({ secure: from }, { secure: to, arrivals }) => {
      const { events, said } = await passed(`${from}/pub/charts/bay.txt`, `${to}/incoming/bay.txt`);
      expect(events.at(-1)).toMatchObject({ event: "done", copied: 1, failed: 0, octets: 16 });
      expect(said).toMatch(dialogue);
      expect(arrivals).toMatchObject([{ kind: "upload", path: "/incoming/bay.txt", size: 16 }]);
      await opened(
        to,
        async (session) => {
          expect(await contentOf(session, "/incoming/bay.txt")).toBe("bay: sand, 12 m\n");
        },
        trusting(),
      );
    });
  });

  it("has the same sessions list under TLS between two files", async () => {
    await two({}, { beginsTls: "SSCN" }, async ({ secure: from }, { secure: to }) => {
      const { events } = await passed(`${from}/pub/charts/`, `${to}/incoming/charts/`);
      expect(events.at(-1)).toMatchObject({ event: "done", copied: 3, failed: 0 });
      const listed = opened(to, (session) => names(session.list("/incoming/charts/charts/")), trusting());
      expect(await listed).toEqual(["north", "bay.txt"]);
    });
  });

  it("turns to the other where the first is not taken without a session of its own", async () => {
    const begins: Partial<FtpOptions> = { beginsTls: "SSCN" };
    await two({ ...begins, requireSessionReuse: true }, begins, async ({ secure: from }, { secure: to }) => {
      const { events, said } = await passed(`${from}/welcome.txt`, `${to}/incoming/w.txt`);
      expect(events.at(-1)).toMatchObject({ copied: 1, failed: 0 });
      expect(said.match(/SSCN ON/g)).toHaveLength(2);
      const folder = await passed(`${from}/pub/charts/`, `${to}/incoming/charts/`);
      expect(folder.events.at(-1)).toMatchObject({ copied: 3, failed: 0 });
      // What served once is what is asked for next.
      expect(folder.said.match(/SSCN ON/g)).toHaveLength(4);
    });
  });

  it("says so, and leaves nothing, where both want sessions resumed", async () => {
    const strict: Partial<FtpOptions> = { beginsTls: "SSCN", requireSessionReuse: true };
    await two(strict, strict, async ({ secure: from }, { secure: to }) => {
      expect(await failureOf(passed(`${from}/welcome.txt`, `${to}/incoming/w.txt`))).toMatchObject({
        code: "refused",
        message: "TLS between the two servers did not come about",
        reply: expect.stringContaining("must resume"),
        hint: expect.stringContaining("without --fxp"),
      });
      expect(await opened(to, (session) => names(session.list("/incoming/")), trusting())).toEqual([]);
    });
  });

  it("is refused where neither can begin TLS, and where one alone has TLS", async () => {
    await two({}, {}, async ({ secure: from }, { secure: to }) => {
      expect(await failureOf(passed(`${from}/welcome.txt`, `${to}/incoming/w.txt`))).toMatchObject({
        code: "refused",
        message: "neither server can begin TLS with the other (SSCN, CPSV)",
        hint: expect.stringContaining("without --fxp it goes through this machine"),
      });
    });
    await sandbox({}, async ({ url, secure }) => {
      expect(await failureOf(passed(`${secure}/welcome.txt`, `${url}/incoming/w.txt`))).toMatchObject({
        code: "usage",
        message: "the first server alone has its files go under TLS",
      });
      const { events } = await passed(`${secure}/welcome.txt`, `${url}/incoming/w.txt`, { prot: "C" });
      expect(events.at(-1)).toMatchObject({ copied: 1, failed: 0 });
    });
  });
});
