/** Changes, and what only FTP can do, against the sandbox: times, modes, folders, `ftp hash` and its like. */
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { plugin } from "../../protocols/ftp/index.js";
import { Client, type ClientSettings } from "../../src/client.js";
import { Transcript } from "../../src/net/transcript.js";
import type { JsonObject, Options, Session } from "../../src/plugin.js";
import { type CpEvent, type CpRequest, cp } from "../../src/verbs/cp.js";
import { contentOf, failureOf, GOODBYE, LOGIN, names, opened, passive, pieces } from "./opened.js";
import { prepareSandbox, sandbox, trusting } from "./served.js";

prepareSandbox();

const TIME = new Date("2024-02-29T08:30:15Z");

/** What `porthole ftp NAME WORDS...` gives. */
async function run(
  name: string,
  words: readonly string[],
  options: Options = {},
  settings: ClientSettings = {},
): Promise<JsonObject[]> {
  const client = new Client(settings);
  const sessions: Session[] = [];
  const command = plugin.commands[name];
  if (command === undefined) throw new Error(`there is no command ${name}`);
  const shown: JsonObject[] = [];
  try {
    const outputs = command({
      words,
      options,
      signal: client.signal,
      stdin: Readable.from([]),
      stdinIsTerminal: false,
      warn: () => undefined,
      async open(url) {
        const target = client.target(url);
        const session = await client.open(target);
        sessions.push(session);
        return { session, target };
      },
    });
    for await (const output of outputs) {
      if (output.kind === "record") shown.push(output.data);
      if (output.kind === "entry") shown.push({ name: output.entry.name, kind: output.entry.kind });
    }
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
  return shown;
}

describe("times", () => {
  it("are kept when a file is sent with one", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        const written = await session.write("/incoming/old.txt", { body: pieces("old"), modified: TIME });
        expect(written.modified).toEqual(TIME);
        expect((await session.stat("/incoming/old.txt")).modified).toEqual(TIME);
      });
    });
  });

  it.each([
    ["MFMT", ["MFMT"], "C: MFMT 20240229083015 /f\nS: 213 done", true],
    ["MDTM", ["MDTM"], "C: MDTM 20240229083015 /f\nS: 213 done", true],
    [
      "SITE UTIME",
      ["MDTM"],
      "C: MDTM 20240229083015 /f\nS: 550 no\nC: SITE UTIME 20240229083015 /f\nS: 200 ok",
      true,
    ],
    ["nothing", [], "C: SITE UTIME 20240229083015 /f\nS: 500 what?", false],
  ])("are set by %s where that is what there is", async (_name, features, setting, kept) => {
    await using data = await scripted(script().drain());
    await using server = await scripted(
      conversation(`
        S: 220 ready
        C: USER anonymous
        S: 230 come in
        C: FEAT
        S: 211-Features:
        ${features.map((line) => `S:  ${line}`).join("\n")}
        S: 211 End
        C: TYPE I
        S: 200 ok
        ${passive(data)}
        C: STOR /f
        S: 150 go
      `)
        .call(() => data.done)
        .and(conversation(`S: 226 done\n${setting}`))
        .and(GOODBYE),
    );
    const written = await opened(server.url("ftp", "//"), (session) =>
      session.write("//f", { body: pieces("x"), modified: TIME, replace: true }),
    );
    await server.done;
    expect(written.modified).toEqual(kept ? TIME : undefined);
  });
});

describe("modes and folders", () => {
  it("a mode is given to what is written, and by chmod", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(
        url,
        async (session) => {
          await session.write("/incoming/run.sh", { body: pieces("x") });
          expect((await session.stat("/incoming/run.sh")).meta["mode"]).toBe("0750");
        },
        { options: { chmod: "750" } },
      );
      const place = `${url}/incoming/run.sh`;
      expect(await run("chmod", ["600", place])).toMatchObject([{ mode: "600" }]);
      await opened(url, async (session) => {
        expect((await session.stat("/incoming/run.sh")).meta["mode"]).toBe("0600");
      });
      expect(await failureOf(run("chmod", ["u+x", place]))).toMatchObject({ code: "usage" });
      expect(await failureOf(run("chmod", ["600", `${url}/lost`]))).toMatchObject({ code: "missing" });
    });
  });
});

describe("ftp hash, touch, du, find, site", () => {
  it("hash gives what the server computes", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, (session) => session.write("/incoming/h", { body: pieces("hello") }));
      expect(await run("hash", [`${url}/incoming/h`, "md5"])).toMatchObject([
        { algorithm: "MD5", hash: "5d41402abc4b2a76b9719d911017c592" },
      ]);
      expect(await run("hash", [`${url}/incoming/h`])).toMatchObject([{ algorithm: "SHA-512" }]);
      expect(await failureOf(run("hash", [`${url}/incoming/h`, "md6"]))).toMatchObject({ code: "usage" });
    });
  });

  it("touch makes a file, and sets its time", async () => {
    await sandbox({}, async ({ url }) => {
      const place = `${url}/incoming/new`;
      await run("touch", [place], { time: "2024-02-29T08:30:15Z" });
      await opened(url, async (session) => {
        expect(await session.stat("/incoming/new")).toMatchObject({ size: 0, modified: TIME });
        await session.write("/incoming/new", { body: pieces("kept"), replace: true });
        await run("touch", [place]);
        expect(await contentOf(session, "/incoming/new")).toBe("kept");
      });
      expect(await failureOf(run("touch", [place], { time: "soon" }))).toMatchObject({ code: "usage" });
    });
  });

  it("du counts, find finds", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        await session.makeFolder("/incoming/d");
        await session.makeFolder("/incoming/d/e");
        await session.write("/incoming/d/one.txt", { body: pieces("12345") });
        await session.write("/incoming/d/e/two.log", { body: pieces("123") });
      });
      expect(await run("du", [`${url}/incoming/d/`])).toMatchObject([{ octets: 8, files: 2, folders: 1 }]);
      expect(await run("find", [`${url}/incoming/d/`, "*.log"])).toEqual([
        { name: "e/two.log", kind: "file" },
      ]);
      expect(await run("find", [`${url}/incoming/d/`])).toHaveLength(3);
    });
  });

  it("site sends what it is given", async () => {
    await sandbox({}, async ({ url }) => {
      expect(await run("site", [url, "HELP"])).toMatchObject([{ code: 214 }]);
      expect(await failureOf(run("site", [url]))).toMatchObject({ code: "usage" });
    });
  });

  it.each(["hash", "chmod", "touch", "du", "find", "fxp", "site"])(
    "%s without words is wrong usage",
    async (name) => {
      expect(await failureOf(run(name, []))).toMatchObject({ code: "usage" });
    },
  );
});

async function copied(
  from: string,
  to: string,
  settings: ClientSettings,
  request: Partial<CpRequest> = {},
): Promise<CpEvent[]> {
  const events: CpEvent[] = [];
  const client = new Client(settings);
  for await (const event of cp({ client, from: [from], to, ...request })) events.push(event);
  return events;
}

describe("ftp fxp", () => {
  it("has one server send to the other, and nothing passes here", async () => {
    await sandbox({}, async (one) => {
      await sandbox({}, async (other) => {
        const [shown] = await run("fxp", [`${one.url}/pub/charts/bay.txt`, `${other.url}/incoming/bay.txt`]);
        expect(shown).toMatchObject({ octets: 16 });
        await opened(other.url, async (session) => {
          expect(await contentOf(session, "/incoming/bay.txt")).toBe("bay: sand, 12 m\n");
        });
        expect(other.arrivals).toMatchObject([{ kind: "upload", path: "/incoming/bay.txt", size: 16 }]);
        const again = run("fxp", [`${one.url}/welcome.txt`, `${other.url}/incoming/bay.txt`]);
        expect(await failureOf(again)).toMatchObject({ code: "local", exit: 12 });
      });
    });
  });

  it("says when a server refuses an address that is not ours, and when TLS stands in the way", async () => {
    await using source = await scripted(
      LOGIN.and(
        conversation(
          `
          C: TYPE I
          S: 200 ok
          C: SIZE /a
          S: 213 5
          C: MDTM /a
          S: 213 20240301083015
          C: PASV
          S: 227 ok (127,0,0,1,9,9)
          C: PORT 127,0,0,1,8,8
          S: 500 illegal PORT
          C: EPRT |1|127.0.0.1|2056|
          S: 500 illegal EPRT
        `,
        ),
      ).and(GOODBYE),
    );
    await using target = await scripted(
      LOGIN.and(
        conversation(
          `
          C: SIZE /b
          S: 550 no
          C: CWD /b
          S: 550 no
          C: MDTM /b
          S: 550 no
          C: PORT 127,0,0,1,9,9
          S: 500 illegal PORT
          C: EPRT |1|127.0.0.1|2313|
          S: 500 illegal EPRT
          C: PASV
          S: 227 ok (127,0,0,1,8,8)
        `.replace("C: SIZE", "C: TYPE I\nS: 200 ok\nC: SIZE"),
        ),
      ).and(GOODBYE),
    );
    const refused = run("fxp", [source.url("ftp", "//a"), target.url("ftp", "//b")]);
    expect(await failureOf(refused)).toMatchObject({
      code: "refused",
      message: "neither server connects to the other",
      hint: "without --fxp it goes through this machine",
    });
    await sandbox({}, async ({ url, secure }) => {
      const secured = run("fxp", [`${secure}/welcome.txt`, `${url}/incoming/w`], {}, trusting());
      expect(await failureOf(secured)).toMatchObject({
        code: "usage",
        hint: expect.stringContaining("--prot C"),
      });
    });
  });
});

describe("cp --fxp", () => {
  it("has one server send to the other, date, mode and checksum included", async () => {
    await sandbox({}, async (one) => {
      await sandbox({}, async (other) => {
        const to = `${other.url}/incoming/bay.txt`;
        const settings = { options: { fxp: true, verify: true, chmod: "600" } };
        const events = await copied(`${one.url}/pub/charts/bay.txt`, to, settings);
        expect(events.at(-1)).toMatchObject({ event: "done", copied: 1, failed: 0, octets: 16 });
        expect(other.arrivals).toMatchObject([{ kind: "upload", path: "/incoming/bay.txt", size: 16 }]);
        await opened(other.url, async (session) => {
          const { modified, meta } = await session.stat("/incoming/bay.txt");
          expect(modified).toEqual(new Date("2024-03-01T08:30:15Z"));
          expect(meta).toMatchObject({ mode: "0600" });
        });
        expect(await failureOf(copied(`${one.url}/welcome.txt`, to, settings))).toMatchObject({ exit: 12 });
        const folder = `${other.url}/incoming/charts/`;
        const whole = await copied(`${one.url}/pub/charts/`, folder, settings, { recursive: true, jobs: 2 });
        expect(whole.at(-1)).toMatchObject({ event: "done", copied: 3, failed: 0 });
      });
    });
  });

  it("never goes through this machine instead", async () => {
    await sandbox({}, async ({ url }) => {
      const settings = { options: { fxp: true } };
      const elsewhere = {
        code: "usage",
        message: expect.stringContaining("from one ftp: server to another"),
      };
      const down = copied(`${url}/welcome.txt`, "/tmp/porthole-never-written", settings);
      expect(await failureOf(down)).toMatchObject(elsewhere);
      const up = copied("./package.json", `${url}/incoming/x`, settings);
      expect(await failureOf(up)).toMatchObject(elsewhere);
      const again = copied(`${url}/welcome.txt`, `${url}/incoming/x`, settings, { resume: true });
      expect(await failureOf(again)).toMatchObject({
        code: "usage",
        hint: expect.stringContaining("--force"),
      });
    });
  });

  it("tells the one server when the other says no", async () => {
    const look = "C: TYPE I\nS: 200 ok\nC: SIZE /a\nS: 213 5\nC: MDTM /a\nS: 213 20240301083015";
    const absent = "C: TYPE I\nS: 200 ok\nC: SIZE /b\nS: 550 no\nC: CWD /b\nS: 550 no\nC: MDTM /b\nS: 550 no";
    const sending = `${look}\nC: PASV\nS: 227 ok (127,0,0,1,9,9)\nC: RETR /a\nS: 425 not from there`;
    const taking = `
      C: TYPE I
      S: 200 ok
      C: PORT 127,0,0,1,9,9
      S: 200 ok
      C: STOR /b
      C: ABOR
      S: 426 given up
      S: 226 aborted
      C: DELE /b
      S: 250 gone
    `;
    // The first session of each is the one that looks what there is.
    const of = (lines: string) => LOGIN.and(conversation(lines)).and(GOODBYE);
    await using source = await scripted([of(look), of(sending)]);
    await using target = await scripted([of(absent), of(taking)]);
    const request = { replace: true };
    const settings = { options: { fxp: true } };
    const copy = copied(source.url("ftp", "//a"), target.url("ftp", "//b"), settings, request);
    expect(await failureOf(copy)).toMatchObject({
      code: "refused",
      reply: "425 not from there",
      message: "the servers do not take a connection from each other",
    });
    await Promise.all([source.done, target.done]);
  });
});

describe("an upload that is interrupted", () => {
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) {
      yield Buffer.alloc(10_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** @param interrupts calls `stop` when it is time, given what goes either way */
  async function interrupted(
    interrupts: (line: string, stop: () => void) => void,
    way: "url" | "secure" = "url",
  ): Promise<void> {
    await sandbox({}, async ({ [way]: url, arrivals }) => {
      const trusts = way === "secure" ? trusting() : {};
      const stop = new AbortController();
      const transcript = new Transcript();
      const said: string[] = [];
      transcript.subscribe(({ direction, bytes }) => {
        const line = String(bytes ?? "");
        if (direction === "client") said.push(line);
        interrupts(line, () => stop.abort());
      });
      const written = opened(url, (session) => session.write("/incoming/short.bin", { body: endless() }), {
        ...trusts,
        signal: stop.signal,
        transcript,
      });
      expect(await failureOf(written)).toMatchObject({ code: "aborted" });
      expect(said.filter((line) => line.includes("ABOR"))).toHaveLength(1);
      await opened(
        url,
        async (session) => expect(await names(session.list("/incoming"))).toEqual([]),
        trusts,
      );
      expect(arrivals).toEqual([]);
    });
  }

  it("is told by ABOR, and is no file to the server", async () => {
    await interrupted((line, stop) => {
      if (line.startsWith("150")) setTimeout(stop, 50);
    });
  });

  it("under TLS, too", async () => {
    await interrupted((line, stop) => {
      if (line.startsWith("150")) setTimeout(stop, 50);
    }, "secure");
  });

  it("is none either before the first octet was sent", async () => {
    await interrupted((line, stop) => {
      if (line.startsWith("150")) setImmediate(stop);
    });
  });

  it("is none either in the moment the server agreed", async () => {
    await interrupted((line, stop) => {
      if (line.startsWith("150")) process.nextTick(stop);
    });
  });
});

describe("--prot", () => {
  it("C has files and listings go in clear, and P wants TLS", async () => {
    await sandbox({}, async ({ url, secure }) => {
      const clear: ClientSettings = { ...trusting(), options: { prot: "C" } };
      await opened(
        secure,
        async (session) => {
          expect(await contentOf(session, "/pub/charts/bay.txt")).toBe("bay: sand, 12 m\n");
        },
        clear,
      );
      const inClear = opened(url, () => Promise.resolve(), { options: { prot: "P" } });
      expect(await failureOf(inClear)).toMatchObject({ code: "usage" });
    });
    await sandbox({ requireTls: true }, async ({ secure }) => {
      const refused = opened(secure, () => Promise.resolve(), { ...trusting(), options: { prot: "C" } });
      expect(await failureOf(refused)).toMatchObject({ code: "refused", hint: "leave out --prot C" });
    });
  });
});

describe("--ccc", () => {
  it("wants TLS, and a server that takes it off again", async () => {
    await sandbox({}, async ({ url, secure }) => {
      const options = { options: { ccc: true } };
      expect(await failureOf(opened(url, () => Promise.resolve(), options))).toMatchObject({
        code: "usage",
        hint: "use ftps: or --starttls require",
      });
      const refused = opened(secure, () => Promise.resolve(), { ...trusting(), ...options });
      expect(await failureOf(refused)).toMatchObject({ code: "refused", hint: "leave out --ccc" });
    });
  });
});
