import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { contentOf, failureOf, GOODBYE, opened, pieces } from "./opened.js";
import { prepareSandbox, sandbox } from "./served.js";

prepareSandbox();

const VERIFY = { options: { verify: true } };

/** A server with these features, asked for a file whose octets are `hello`. */
async function verified(features: readonly string[], checking: string): Promise<string> {
  await using data = await scripted(script().send("hello"));
  await using server = await scripted(
    conversation(
      `
      S: 220 ready
      C: USER anonymous
      S: 230 come in
      C: FEAT
      S: 211-Features:
      ${features.map((line) => `S:  ${line}`).join("\n")}
      S: 211 End
      C: SIZE /f
      S: 213 5
      C: MDTM /f
      S: 213 20240301083015
      ${checking.replace("DATA", `C: EPSV\nS: 229 ok (|||${data.port}|)\nC: RETR /f\nS: 150 here\nS: 226 done`)}
    `.replace("C: SIZE", "C: TYPE I\nS: 200 ok\nC: SIZE"),
    ).and(GOODBYE),
    { timeout: 5000 },
  );
  const read = await opened(server.url("ftp", "//"), (session) => contentOf(session, "//f"), VERIFY);
  await server.done;
  return read;
}

describe("--verify", () => {
  it.each([
    [
      "HASH, the algorithm chosen",
      ["HASH SHA-256*;MD5"],
      "DATA\nC: HASH /f\nS: 213 SHA-256 0-5 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 /f",
    ],
    [
      "HASH, after OPTS",
      ["HASH MD5*;SHA-1"],
      "C: OPTS HASH SHA-1\nS: 200 SHA-1\nDATA\nC: HASH /f\nS: 213 SHA-1 0-5 AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D /f",
    ],
    [
      "XSHA256",
      ["XSHA256", "XMD5"],
      "DATA\nC: XSHA256 /f\nS: 250 2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824",
    ],
    ["XMD5", ["XMD5"], 'DATA\nC: XMD5 /f\nS: 250 "/f" 5d41402abc4b2a76b9719d911017c592'],
    ["XCRC", ["XCRC filename;start;end"], "DATA\nC: XCRC /f\nS: 250-XCRC\nS: 250 3610A686"],
  ])("by %s", async (_name, features, checking) => {
    expect(await verified(features, checking)).toBe("hello");
  });

  it.each([
    [
      "another checksum",
      "DATA\nC: XMD5 /f\nS: 250 00000000000000000000000000000000",
      { code: "protocol", message: expect.stringContaining("the MD5 differs") },
    ],
    ["no checksum", "DATA\nC: XMD5 /f\nS: 250 fine", { code: "protocol", reply: "250 fine" }],
    ["a refusal", "DATA\nC: XMD5 /f\nS: 450 busy", { code: "busy", reply: "450 busy" }],
  ])("answered by %s fails the file", async (_name, checking, wanted) => {
    expect(await failureOf(verified(["XMD5"], checking))).toMatchObject(wanted);
  });

  it("compares what was read and what was written, one file and many", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(
        url,
        async (session) => {
          await session.write("/incoming/a", { body: pieces("written ", "well") });
          expect(await contentOf(session, "/incoming/a")).toBe("written well");
          async function* paths() {
            yield* ["/incoming/a", "/lost", "/welcome.txt"];
          }
          const came: string[] = [];
          for await (const result of session.readMany(paths())) {
            came.push("error" in result ? result.error.code : await text(result.document.body));
          }
          expect(came.slice(0, 2)).toEqual(["written well", "missing"]);
        },
        VERIFY,
      );
    });
    await sandbox({ falseHashes: true }, async ({ url }) => {
      await opened(
        url,
        async (session) => {
          const body = pieces("written ", "well");
          expect(await failureOf(session.write("/incoming/a", { body }))).toMatchObject({ code: "protocol" });
          expect(await failureOf(contentOf(session, "/welcome.txt"))).toMatchObject({ code: "protocol" });
        },
        VERIFY,
      );
    });
  });

  it("of a server that computes none says so before anything is sent", async () => {
    await sandbox({ noHash: true }, async ({ url, arrivals }) => {
      await opened(
        url,
        async (session) => {
          const body = pieces("x");
          expect(await failureOf(session.write("/incoming/a", { body }))).toMatchObject({ code: "refused" });
        },
        VERIFY,
      );
      expect(arrivals).toEqual([]);
    });
  });
});
