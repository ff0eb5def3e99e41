import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { conversation, type Script, script, scripted } from "../../fixtures/servers/scripted.js";
import type { ClientSettings } from "../../src/client.js";
import { contentOf, failureOf, GOODBYE, LOGIN, opened, type Verbs } from "./opened.js";
import { prepareSandbox, sandbox, trusting } from "./served.js";

prepareSandbox();

async function* given(...paths: readonly string[]): AsyncGenerator<string> {
  yield* paths;
}

/** Each path with its content, or with the code of the error. */
async function contents(session: Verbs, paths: AsyncIterable<string>): Promise<string[]> {
  const came: string[] = [];
  for await (const result of session.readMany(paths)) {
    const what = "error" in result ? result.error.code : await text(result.document.body);
    came.push(`${result.path} ${what}`);
  }
  return came;
}

const ASKED_ABOUT = (name: string) => `C: SIZE /${name}\nC: MDTM /${name}`;
const TOLD = "S: 213 1\nS: 213 20240301083015";

describe("many files", () => {
  it("are asked for ahead: the next one's port behind this one's RETR, and the facts of the one after that", async () => {
    await using one = await scripted(script().send("1"));
    await using two = await scripted(script().send("2"));
    const port = (number: number) => `S: 229 ok (|||${number}|)`;
    const play = LOGIN.and(
      // No answer until all of it is there: a client that waited for one would wait for ever.
      conversation(`
        C: TYPE I
        S: 200 ok
        ${ASKED_ABOUT("a")}
        C: EPSV
        ${ASKED_ABOUT("b")}
        ${TOLD}
        ${port(one.port)}
        ${TOLD}
        C: RETR /a
        C: EPSV
        S: 150 here
        S: 226 done
        ${port(two.port)}
        C: RETR /b
        S: 150 here
        S: 226 done
      `),
    ).and(GOODBYE);
    await using server = await scripted(play, { timeout: 5000 });
    const read = opened(server.url("ftp", "//"), (session) => contents(session, given("//a", "//b")));
    expect(await read).toEqual(["//a 1", "//b 2"]);
    await server.done;
  });

  it.each(["ftp", "ftps"])("come whole and in order by %s, the missing ones told", async (scheme) => {
    await sandbox({ requireSessionReuse: true }, async ({ url, secure }) => {
      const settings: ClientSettings = scheme === "ftp" ? {} : trusting();
      await opened(
        scheme === "ftp" ? url : secure,
        async (session) => {
          const paths = ["/pub/charts/bay.txt", "/lost.txt", "/welcome.txt", "/pub/", "/pub/charts/bay.txt"];
          const came = await contents(session, given(...paths));
          const [bay, welcome] = [
            await contentOf(session, "/pub/charts/bay.txt"),
            await contentOf(session, "/welcome.txt"),
          ];
          expect(came).toEqual([
            `/pub/charts/bay.txt ${bay}`,
            "/lost.txt missing",
            `/welcome.txt ${welcome}`,
            "/pub/ refused",
            `/pub/charts/bay.txt ${bay}`,
          ]);
        },
        settings,
      );
    });
  });

  it.each([
    ["MLST", {}],
    ["SIZE and MDTM", { mlsd: false }],
  ])("come from a server that refuses commands while data flow (%s)", async (_name, options) => {
    await sandbox({ refuseAhead: true, bytesPerSecond: 300_000, ...options }, async ({ url }) => {
      await opened(url, async (session) => {
        await session.write("/incoming/long", { body: given64K() });
        const paths = ["/incoming/long", "/welcome.txt", "/pub/charts/bay.txt", "/welcome.txt"];
        const sizes: number[] = [];
        for await (const result of session.readMany(given(...paths))) {
          if ("error" in result) throw result.error;
          expect((await text(result.document.body)).length).toBe(result.document.total);
          sizes.push(result.document.total ?? 0);
        }
        expect(sizes[0]).toBe(65_536);
        expect(sizes).toHaveLength(4);
      });
    });
  });

  it("may be left at any of them, and the session goes on", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        const paths = ["/pub/large.bin", "/welcome.txt", "/pub/charts/bay.txt"];
        for await (const result of session.readMany(given(...paths))) {
          expect("document" in result).toBe(true);
          if ("document" in result) result.document.body.destroy();
          break;
        }
        for await (const result of session.readMany(given(...paths))) {
          if (!("document" in result)) throw result.error;
          const { body } = result.document;
          if (result.path === "/pub/large.bin") {
            // A little of it is enough.
            await once(body, "data");
            body.destroy();
          } else {
            expect((await text(body)).length).toBe(result.document.total);
          }
        }
        expect(await contentOf(session, "/pub/charts/bay.txt")).toBe("bay: sand, 12 m\n");
      });
    });
  });

  it("may be poured, large ones too", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        for await (const result of session.readMany(given("/pub/large.bin", "/welcome.txt"))) {
          if (!("document" in result)) throw result.error;
          let octets = 0;
          await result.document.pour?.((piece) => {
            octets += piece.length;
          });
          expect(octets).toBe(result.document.total);
        }
      });
    });
  });

  it("go on after a new login when the server closes the session between two of them", async () => {
    await using one = await scripted(script().send("1"));
    await using two = await scripted(script().send("2"));
    const first = LOGIN.and(
      conversation(`
        C: TYPE I
        S: 200 ok
        ${ASKED_ABOUT("a")}
        C: EPSV
        ${ASKED_ABOUT("b")}
        ${TOLD}
        S: 229 ok (|||${one.port}|)
        ${TOLD}
        C: RETR /a
        S: 150 here
        S: 226 done
        S: 421 timeout
      `),
    ).drop();
    const second = LOGIN.and(
      conversation(`
        C: TYPE I
        S: 200 ok
        ${ASKED_ABOUT("b")}
        C: EPSV
        ${TOLD}
        S: 229 ok (|||${two.port}|)
        C: RETR /b
        S: 150 here
        S: 226 done
      `),
    ).and(GOODBYE);
    await using server = await scripted([first, second], { timeout: 5000 });
    const read = opened(server.url("ftp", "//"), (session) => contents(session, given("//a", "//b")));
    expect(await read).toEqual(["//a 1", "//b 2"]);
    await server.done;
  });

  it("go on after a new login when the answer to RETR is that the session ends", async () => {
    await using one = await scripted(script().send("1"));
    await using gone = await scripted(script().drain());
    await using two = await scripted(script().send("2"));
    const first = LOGIN.and(
      conversation(`
        C: TYPE I
        S: 200 ok
        ${ASKED_ABOUT("a")}
        C: EPSV
        ${ASKED_ABOUT("b")}
        ${TOLD}
        S: 229 ok (|||${one.port}|)
        ${TOLD}
        C: RETR /a
        S: 150 here
        S: 226 done
        C: EPSV
        S: 229 ok (|||${gone.port}|)
        C: RETR /b
        S: 421 idle for too long
      `),
    ).drop();
    const second = LOGIN.and(
      conversation(`
        C: TYPE I
        S: 200 ok
        ${ASKED_ABOUT("b")}
        C: EPSV
        ${TOLD}
        S: 229 ok (|||${two.port}|)
        C: RETR /b
        S: 150 here
        S: 226 done
      `),
    ).and(GOODBYE);
    await using server = await scripted([first, second], { timeout: 5000 });
    const read = opened(server.url("ftp", "//"), (session) => contents(session, given("//a", "//b")));
    expect(await read).toEqual(["//a 1", "//b 2"]);
    await server.done;
  });

  it("of which the first meets the end of the session end with it, and say so", async () => {
    await using data = await scripted(script().send("1"));
    const play: Script = LOGIN.and(
      conversation(`
        C: TYPE I
        S: 200 ok
        ${ASKED_ABOUT("a")}
        C: EPSV
        ${ASKED_ABOUT("b")}
        ${TOLD}
        S: 229 ok (|||${data.port}|)
        ${TOLD}
        C: RETR /a
        S: 421 no more
      `),
    ).drop();
    await using server = await scripted(play, { timeout: 5000 });
    const read = opened(server.url("ftp", "//"), (session) => contents(session, given("//a", "//b")));
    expect(await failureOf(read)).toMatchObject({ exit: expect.any(Number), protocol: "ftp" });
  });
});

async function* given64K(): AsyncGenerator<Buffer> {
  yield Buffer.alloc(65_536, "x");
}
