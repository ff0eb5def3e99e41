import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { conversation, type ScriptConnection, script, scripted } from "../../fixtures/servers/scripted.js";
import { contentOf, failureOf, GOODBYE, LOGIN, names, opened, pieces } from "./opened.js";
import { prepareSandbox, sandbox, trusting } from "./served.js";

prepareSandbox();

const ACTIVE = { options: { active: true } };

/** What comes before a way to the data of `/f` is agreed on. */
const UP_TO_PORT = LOGIN.and(
  conversation("C: TYPE I\nS: 200 ok\nC: SIZE /f\nS: 213 5\nC: MDTM /f\nS: 500 what?"),
);

/** The port that an EPRT or PORT command named. */
function portIn(connection: ScriptConnection): number {
  const line = connection.lines.findLast((one) => /^(?:EPRT|PORT) /.test(one)) ?? "";
  const extended = /^EPRT \|1\|127\.0\.0\.1\|(\d+)\|$/.exec(line)?.[1];
  if (extended !== undefined) return Number(extended);
  const [high = 0, low = 0] = (/^PORT 127,0,0,1,(\d+),(\d+)$/.exec(line) ?? []).slice(1).map(Number);
  return high * 256 + low;
}

function push(connection: ScriptConnection, octets: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: portIn(connection) });
    socket.once("error", reject);
    socket.end(octets, () => resolve());
  });
}

describe("active mode", () => {
  it.each(["ftp", "ftps"])("lists, reads and writes by %s", async (scheme) => {
    await sandbox({ requireSessionReuse: true }, async ({ url, secure }) => {
      const settings = scheme === "ftp" ? ACTIVE : { ...trusting(), ...ACTIVE };
      await opened(
        scheme === "ftp" ? url : secure,
        async (session) => {
          expect(await names(session.list("/pub/charts/"))).toContain("bay.txt");
          expect(await contentOf(session, "/pub/charts/bay.txt")).toBe("bay: sand, 12 m\n");
          await session.write("/incoming/up.txt", { body: pieces("up ", "there") });
          expect(await contentOf(session, "/incoming/up.txt")).toBe("up there");
        },
        settings,
      );
    });
  });

  it("falls back to PORT", async () => {
    await using server = await scripted(
      UP_TO_PORT.expect(/^EPRT \|1\|127\.0\.0\.1\|\d+\|$/)
        .sendLines("500 what?")
        .expect(/^PORT 127,0,0,1,\d+,\d+$/)
        .sendLines("200 ok")
        .expect("RETR /f")
        .sendLines("150 here")
        .call((connection) => push(connection, "hello"))
        .sendLines("226 done")
        .and(GOODBYE),
    );
    const read = opened(server.url("ftp", "/"), (session) => contentOf(session, "//f"), ACTIVE);
    expect(await read).toBe("hello");
  });

  it.each([
    ["425 cannot connect", { code: "busy", reply: "425 cannot connect" }],
    ["550 no such file", { code: "missing" }],
  ])("refused by %s waits for nobody", async (refusal, wanted) => {
    await using server = await scripted(
      UP_TO_PORT.expect(/^EPRT /)
        .sendLines("200 ok")
        .expect("RETR /f")
        .sendLines(refusal)
        .and(GOODBYE),
    );
    const read = opened(server.url("ftp", "/"), (session) => session.read("//f"), ACTIVE);
    expect(await failureOf(read)).toMatchObject(wanted);
  });

  it("hands over what the server had sent before it stopped, heard of behind its last word and read later still", async () => {
    await using server = await scripted(
      UP_TO_PORT.expect(/^EPRT /)
        .sendLines("200 ok")
        .expect("RETR /f")
        .sendLines("150 here", "426 the disk went")
        .pause(30)
        .call((connection) => push(connection, "hel"))
        .and(GOODBYE),
    );
    await opened(
      server.url("ftp", "/"),
      async (session) => {
        const { body } = await session.read("//f");
        await new Promise((resolve) => setTimeout(resolve, 600));
        const came: Buffer[] = [];
        const taking = (async () => {
          for await (const piece of body) came.push(piece);
        })();
        expect(await failureOf(taking)).toMatchObject({ code: "busy", reply: "426 the disk went" });
        expect(Buffer.concat(came).toString()).toBe("hel");
      },
      ACTIVE,
    );
    await server.done;
  });

  it("refused altogether says what to leave out", async () => {
    await using server = await scripted(
      UP_TO_PORT.expect(/^EPRT /)
        .sendLines("501 no")
        .expect(/^PORT /)
        .sendLines("500 illegal PORT")
        .and(GOODBYE),
    );
    const read = opened(server.url("ftp", "/"), (session) => session.read("//f"), ACTIVE);
    expect(await failureOf(read)).toMatchObject({ code: "refused", hint: "leave out --active" });
  });
});

describe("a foreign address in PASV", () => {
  it("is followed when the user says so", async () => {
    // 127.0.0.2 is this machine too, and not the address of the control connection.
    await using data = await scripted(script().send("hello"), { host: "127.0.0.2" });
    const place = `127,0,0,2,${data.port >> 8},${data.port & 255}`;
    await using server = await scripted(
      UP_TO_PORT.and(conversation(`C: EPSV\nS: 500 what?\nC: PASV\nS: 227 ok (${place})`))
        .and(conversation("C: RETR /f\nS: 150 here\nS: 226 done"))
        .and(GOODBYE),
    );
    const read = opened(server.url("ftp", "/"), async (session) => text((await session.read("//f")).body), {
      options: { "pasv-address": true },
    });
    expect(await read).toBe("hello");
  });
});
