import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { Client, type ClientSettings } from "../../src/client.js";
import { type MirrorRequest, mirror } from "../../src/verbs/mirror.js";
import { type Reader, saveDocument } from "../../src/verbs/save.js";
import { all, contentOf, failureOf, names, opened, pieces, type Verbs } from "../ftp/opened.js";
import { checked } from "./checked.js";
import { DAEMON, startVsftpd, tlsOptions, VSFTPD, type Vsftpd } from "./vsftpd.js";

const TITLE = VSFTPD === undefined ? "vsftpd (vsftpd not installed)" : "vsftpd";

const OCTETS = randomBytes(3_000_000);
const NAMES = [
  " lead.txt",
  "-dash.txt",
  ".hidden",
  "100% #1?.txt",
  "a b.txt",
  "glob[1]*.txt",
  "häfen.txt",
  'quote"d.txt',
  "semi;type=a",
];

async function makeFiles(root: string): Promise<void> {
  const files = join(root, "files");
  await mkdir(join(files, "pub", "names"), { recursive: true });
  await mkdir(join(files, "pub", "inner", "deep"), { recursive: true });
  await mkdir(join(files, "pub", "empty"));
  await mkdir(join(files, "pub", "closed"));
  await mkdir(join(files, "incoming"));
  for (const name of NAMES) await writeFile(join(files, "pub", "names", name), `I am ${name}`);
  const notUtf8 = Buffer.concat([Buffer.from(join(files, "pub", "names", "caf")), Buffer.from([0xe9])]);
  await writeFile(notUtf8, "I am not UTF-8");
  await writeFile(join(files, "pub", "octets.bin"), OCTETS);
  await writeFile(join(files, "pub", "inner", "deep", "x.txt"), "deep");
  await symlink("octets.bin", join(files, "pub", "link"));
  await symlink("../pub", join(files, "incoming", "pub"));
  await mkdir(join(files, "linked", "a"), { recursive: true });
  await writeFile(join(files, "linked", "a", "x.txt"), "x");
  const links = { file: "a/x.txt", folder: "a", "a/up": "..", out: "../pub", lost: "nowhere" };
  for (const [path, to] of Object.entries(links)) await symlink(to, join(files, "linked", path));
  await chown(join(files, "incoming"), DAEMON.uid, DAEMON.gid);
  // May be entered, may not be read.
  await chmod(join(files, "pub", "closed"), 0o711);
  await chmod(root, 0o755);
}

describe.skipIf(VSFTPD === undefined)(TITLE, () => {
  let root = "";
  let plain: Vsftpd;
  let secure: Vsftpd;
  let implicit: Vsftpd;
  let url = "";
  let trusting: ClientSettings;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "porthole-vsftpd-"));
    await makeFiles(root);
    const tls = await tlsOptions(root, await makeTlsMaterial());
    plain = await startVsftpd(root);
    secure = await startVsftpd(root, tls);
    implicit = await startVsftpd(root, [...tls, "implicit_ssl=YES"]);
    url = `ftp://127.0.0.1:${plain.port}`;
    trusting = { network: { tls: { caFile: join(root, "ca.pem") } }, policy: { starttls: "require" } };
  });

  afterAll(async () => {
    await Promise.all([plain, secure, implicit].map((server) => server?.stop()));
    await rm(root, { recursive: true, force: true });
  });

  it("check: in clear, after AUTH TLS, and under TLS", async () => {
    const rest = ["greeting ok", "capabilities ok", "login ok", "roundtrip ok"];
    // AUTH TLS is tried without being asked for.
    const settings = { ...trusting, policy: {} };
    const inClear = await checked(`ftp://127.0.0.1:${plain.port}/`, settings);
    expect(inClear.lines).toEqual(
      ["resolve ok", "connect ok", ...rest].map((line) =>
        line.replace("capabilities ok", "capabilities warning"),
      ),
    );
    expect(inClear.weaknesses).toEqual(["the server has no TLS: passwords and files go in clear"]);
    for (const place of [`ftp://localhost:${secure.port}/`, `ftps://localhost:${implicit.port}/`]) {
      const { lines, weaknesses, tls } = await checked(place, settings);
      expect([lines, weaknesses]).toEqual([["resolve ok", "connect ok", "tls ok", ...rest], []]);
      expect(tls).toMatchObject({ authorized: true, subject: "CN=Porthole sandbox (good)" });
    }
  });

  it("is listed, and every URL opens again", async () => {
    await opened(url, async (session) => {
      const listed = await all(session.list("/pub/names"));
      expect(listed.map(({ name }) => name).sort()).toEqual([...NAMES, "café"].sort());
      for (const { url: found, name } of listed) {
        const content = name === "café" ? "I am not UTF-8" : `I am ${name}`;
        expect(await contentOf(session, found.slice(url.length))).toBe(content);
      }
    });
  });

  it("tells kinds, sizes, dates and where links lead", async () => {
    await opened(url, async (session) => {
      const listed = await all(session.list("/pub/"));
      expect(listed.find(({ name }) => name === "octets.bin")).toMatchObject({
        url: `${url}/pub/octets.bin`,
        kind: "file",
        size: OCTETS.length,
        modified: expect.any(Date),
        meta: { mode: "0644", owner: "0" },
      });
      expect(listed.find(({ name }) => name === "inner")).toMatchObject({
        url: `${url}/pub/inner/`,
        kind: "directory",
      });
      expect(listed.find(({ name }) => name === "link")).toMatchObject({
        kind: "link",
        meta: { target: "octets.bin" },
      });
      const minutes = (Date.now() - (listed[0]?.modified?.getTime() ?? 0)) / 60_000;
      expect(minutes).toBeLessThan(60);
      expect(await names(session.list("/pub/inner", { recursive: true }))).toEqual(["deep", "deep/x.txt"]);
      expect(await names(session.list("/pub/empty"))).toEqual([]);
    });
  });

  it("says what is not there, and what may not be read", async () => {
    await opened(url, async (session) => {
      const missing = { code: "missing", exit: 8, reply: expect.stringMatching(/^550 /) };
      expect(await failureOf(all(session.list("/nowhere")))).toMatchObject(missing);
      expect(await failureOf(session.stat("/nowhere"))).toMatchObject(missing);
      expect(await failureOf(session.read("/nowhere"))).toMatchObject(missing);
      expect(await failureOf(all(session.list("/pub/closed")))).toMatchObject({
        code: "refused",
        reply: "226 Transfer done (but failed to open directory).",
      });
      expect(await failureOf(session.write("/pub/x", { body: pieces("x") }))).toMatchObject({
        code: "refused",
        reply: expect.stringMatching(/^553 /),
      });
    });
  });

  it("gives a file whole, from an octet on, and in part, and goes on when it is left", async () => {
    await opened(url, async (session) => {
      const whole = await session.read("/pub/octets.bin");
      expect(whole.total).toBe(OCTETS.length);
      expect((await buffer(whole.body)).equals(OCTETS)).toBe(true);
      const rest = await session.read("/pub/link", { offset: 2_999_990 });
      expect((await buffer(rest.body)).equals(OCTETS.subarray(2_999_990))).toBe(true);
      const part = await session.read("/pub/octets.bin", { offset: 5, length: 10 });
      expect((await buffer(part.body)).equals(OCTETS.subarray(5, 15))).toBe(true);
      expect(await session.stat("/pub/inner")).toMatchObject({ kind: "directory" });
    });
  });

  it("takes files, continues them, moves them, and removes what is in a folder and not what links lead to", async () => {
    await opened(url, async (session) => {
      await session.makeFolder("/incoming/new%20folder");
      await session.makeFolder("/incoming/new%20folder/inner");
      await session.write("/incoming/new%20folder/a.txt", { body: pieces("hello") });
      await session.write("/incoming/new%20folder/a.txt", { body: pieces(" world"), offset: 5 });
      expect(
        await failureOf(session.write("/incoming/new%20folder/a.txt", { body: pieces("x") })),
      ).toMatchObject({ code: "local", exit: 12 });
      const moved = await session.move("/incoming/new%20folder/a.txt", "/incoming/new%20folder/inner/b.txt");
      expect(moved).toMatchObject({ name: "b.txt", size: 11 });
      const onDisk = join(root, "files", "incoming", "new folder", "inner", "b.txt");
      expect(await readFile(onDisk, "utf8")).toBe("hello world");
      expect(await failureOf(session.remove("/incoming/new%20folder"))).toMatchObject({ code: "refused" });
      await session.remove("/incoming/pub", { recursive: true });
      await session.remove("/incoming/new%20folder", { recursive: true });
      expect(await names(session.list("/incoming"))).toEqual([]);
      expect(await names(session.list("/pub"))).toContain("octets.bin");
    });
  });

  it.each(["AUTH TLS", "ftps"])("by %s, where data connections must resume the session", async (kind) => {
    const where = kind === "ftps" ? `ftps://localhost:${implicit.port}` : `ftp://localhost:${secure.port}`;
    await opened(
      where,
      async (session) => {
        expect(await names(session.list("/pub"))).toContain("octets.bin");
        for (let round = 0; round < 3; round++) {
          const { body } = await session.read("/pub/octets.bin");
          expect((await buffer(body)).equals(OCTETS)).toBe(true);
        }
        const path = `/incoming/${kind === "ftps" ? "implicit" : "explicit"}.txt`;
        await session.write(path, { body: pieces("over ", "TLS") });
        expect(await text((await session.read(path)).body)).toBe("over TLS");
        await session.remove(path);
      },
      trusting,
    );
  });

  it("does not take an upload that was interrupted for a whole file", async () => {
    const strict = await startVsftpd(root, ["delete_failed_uploads=YES"]);
    try {
      const where = `ftp://127.0.0.1:${strict.port}`;
      const stop = new AbortController();
      async function* endless(): AsyncGenerator<Buffer> {
        for (;;) {
          yield Buffer.alloc(10_000);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
      const upload = { body: endless() };
      const write = async (session: Verbs) => {
        setTimeout(() => stop.abort(), 200);
        await session.write("/incoming/short.bin", upload);
      };
      expect(await failureOf(opened(where, write, { signal: stop.signal }))).toMatchObject({
        code: "aborted",
      });
      const isThere = () => existsSync(join(root, "files", "incoming", "short.bin"));
      for (let tries = 0; tries < 50 && isThere(); tries++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(isThere()).toBe(false);
    } finally {
      await strict.stop();
    }
  });

  it.each(["in clear", "TLS, each data connection resuming its own session"])(
    "gives a file over several connections: %s",
    async (kind) => {
      const isClear = kind === "in clear";
      const where = isClear ? url : `ftp://localhost:${secure.port}`;
      const client = new Client(isClear ? {} : trusting);
      const target = client.target(`${where}/pub/octets.bin`);
      const open = async (): Promise<Reader> => {
        const session = await client.open(target);
        return {
          read: async (query) => (await session.read?.(target.path, query)) ?? expect.fail("no read"),
          [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
        };
      };
      await using first = await open();
      const opening: Promise<Reader>[] = [];
      const another = () => {
        opening.push(open());
        return opening.at(-1) ?? expect.fail("nothing opened");
      };
      const path = join(root, isClear ? "clear.bin" : "secure.bin");
      await saveDocument({
        url: target.href(target.path),
        path,
        read: (query) => first.read(query),
        segments: { count: 2, another },
      });
      expect((await readFile(path)).equals(OCTETS)).toBe(true);
      expect(opening).toHaveLength(1);
    },
  );

  it("mirrors links: followed, and kept, but none that leads out", async () => {
    const run = async (to: string, job: Pick<MirrorRequest, "links">) => {
      const passed: string[] = [];
      const from = `${url}/linked/`;
      for await (const event of mirror({ client: new Client(), from, to: join(root, to), ...job })) {
        if (event.event === "passed") passed.push(`${event.from.split("/").at(-1)}: ${event.why}`);
        if (event.event === "failed") throw event.error;
      }
      return passed.sort();
    };
    const away = "out: a link that leads out of what is mirrored";
    expect(await run("followed", { links: "follow" })).toEqual([
      "lost: a link to nothing",
      `${away} (--outside-links follows it)`,
      // Once as a/up, once as folder/up.
      "up: a link to a folder that it lies in",
      "up: a link to a folder that it lies in",
    ]);
    expect(await readFile(join(root, "followed", "file"), "utf8")).toBe("x");
    expect(await readFile(join(root, "followed", "folder", "x.txt"), "utf8")).toBe("x");
    expect(await run("kept", { links: "keep" })).toEqual([away]);
    expect(await readlink(join(root, "kept", "folder"))).toBe("a");
    expect(await readlink(join(root, "kept", "a", "up"))).toBe("..");
  });

  it("that insists on TLS says so", async () => {
    const clear = opened(`ftp://127.0.0.1:${secure.port}`, () => Promise.resolve());
    expect(await failureOf(clear)).toMatchObject({ code: "auth", hint: "use ftps: or --starttls require" });
  });
});
