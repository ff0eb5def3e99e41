/** A download that does not come to its end: what is kept, and how it goes on. */
import { mkdir, readdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { type Running, User, until } from "./program.js";
import { type Answer, numbered, Web } from "./web.js";

let user: User;
let sandbox: Sandbox;

beforeAll(async () => {
  user = await User.create();
  sandbox = await startSandbox({ only: ["http", "ftp"] });
});
afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

const WHOLE = numbered(400_000);
const CUT = 150_000;

async function folder(name: string): Promise<string> {
  const path = user.path(name);
  await mkdir(path);
  return path;
}

/** Drops the first connection after CUT octets, and heeds Range and If-Range afterwards (RFC 9110, 14 and 13.1.5). */
function cutOnce(tags: { first: string; later: string }, content = WHOLE): Answer {
  return (response, { headers }, number) => {
    const tag = number === 1 ? tags.first : tags.later;
    response.setHeader("ETag", tag);
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
    const holds = headers["if-range"] === undefined || headers["if-range"] === tag;
    if (from > 0 && holds) {
      response.statusCode = 206;
      response.setHeader("Content-Range", `bytes ${from}-${content.length - 1}/${content.length}`);
    }
    const body = content.subarray(holds ? from : 0);
    response.setHeader("Content-Length", body.length);
    if (number > 1) response.end(body);
    else response.write(body.subarray(0, CUT), () => setTimeout(() => response.destroy(), 200));
  };
}

describe("a server that drops in the middle", () => {
  it("is 11; the partial copy is kept under another name, and --resume asks for the rest alone", async () => {
    const place = await folder("dropped");
    const target = join(place, "whole.bin");
    await using web = await Web.serve(cutOnce({ first: '"a"', later: '"a"' }));
    const cut = await user.run(["get", web.url("/x"), "-o", target]);
    expect(cut.status).toBe(11);
    expect(cut.stderr).toMatch(/^porthole: http: [^\n]+\n$/);
    expect((await readdir(place)).sort()).toEqual([
      ".whole.bin.porthole-part",
      ".whole.bin.porthole-part.json",
    ]);
    expect((await stat(join(place, ".whole.bin.porthole-part"))).size).toBe(CUT);

    const resumed = await user.run(["get", web.url("/x"), "-o", target, "--resume"]);
    expect([resumed.status, resumed.stderr]).toEqual([0, ""]);
    expect(web.asked.map(({ headers }) => [headers.range, headers["if-range"]])).toEqual([
      [undefined, undefined],
      [`bytes=${CUT}-`, '"a"'],
    ]);
    expect((await readFile(target)).equals(WHOLE)).toBe(true);
    expect(await readdir(place)).toEqual(["whole.bin"]);
  });

  it("and a file that changed meanwhile: it starts over", async () => {
    const place = await folder("changed");
    const target = join(place, "whole.bin");
    await using web = await Web.serve(cutOnce({ first: '"a"', later: '"b"' }));
    expect((await user.run(["get", web.url("/x"), "-o", target])).status).toBe(11);
    const resumed = await user.run(["get", web.url("/x"), "-o", target, "--resume"]);
    expect([resumed.status, resumed.stderr]).toEqual([0, ""]);
    expect(web.asked[1]?.headers["if-range"]).toBe('"a"');
    expect((await readFile(target)).equals(WHOLE)).toBe(true);
  });

  it("and another URL for the same name: it starts over", async () => {
    const place = await folder("another");
    const target = join(place, "whole.bin");
    await using web = await Web.serve(cutOnce({ first: '"a"', later: '"a"' }));
    expect((await user.run(["get", web.url("/x"), "-o", target])).status).toBe(11);
    expect((await user.run(["get", web.url("/y"), "-o", target, "--resume"])).status).toBe(0);
    expect(web.asked[1]?.headers.range).toBeUndefined();
    expect((await readFile(target)).equals(WHOLE)).toBe(true);
  });

  it("without --resume: the second run starts over", async () => {
    const place = await folder("anew");
    await using web = await Web.serve(cutOnce({ first: '"a"', later: '"a"' }));
    expect((await user.run(["get", web.url("/x.bin"), "-d", place])).status).toBe(11);
    expect((await user.run(["get", web.url("/x.bin"), "-d", place])).status).toBe(0);
    expect(web.asked[1]?.headers.range).toBeUndefined();
    expect(await readdir(place)).toEqual(["x.bin"]);
  });

  it("of a file that the server named: -d DIR --resume finds its partial copy by the URL", async () => {
    const place = await folder("proposed");
    const cut = cutOnce({ first: '"a"', later: '"a"' });
    await using web = await Web.serve((response, asked, number) => {
      response.setHeader("Content-Disposition", 'attachment; filename="report.pdf"');
      cut(response, asked, number);
    });
    expect((await user.run(["get", web.url("/get?id=7"), "-d", place])).status).toBe(11);
    expect(await readdir(place)).toContain(".report.pdf.porthole-part");
    const resumed = await user.run(["get", web.url("/get?id=7"), "-d", place, "--resume"]);
    expect([resumed.status, resumed.stderr]).toEqual([0, ""]);
    expect(web.asked[1]?.headers.range).toBe(`bytes=${CUT}-`);
    expect((await readFile(join(place, "report.pdf"))).equals(WHOLE)).toBe(true);
    expect(await readdir(place)).toEqual(["report.pdf"]);
  });

  it("does not replace a target that came into being meanwhile", async () => {
    const place = await folder("meanwhile");
    const target = join(place, "whole.bin");
    await using web = await Web.serve(cutOnce({ first: '"a"', later: '"a"' }));
    expect((await user.run(["get", web.url("/x"), "-o", target])).status).toBe(11);
    await writeFile(target, "mine");
    const { status, stderr } = await user.run(["get", web.url("/x"), "-o", target, "--resume"]);
    expect(stderr).toBe(`porthole: ${target}: exists already - --force replaces it\n`);
    expect(status).toBe(12);
    expect(await readFile(target, "utf8")).toBe("mine");
  });
});

/** A download of five megabytes at 500 kB a second, as soon as something of it is on the disk. */
async function underWay(scheme: "http" | "ftp", target: string): Promise<Running> {
  const path = scheme === "http" ? "files/pub/large.bin" : "pub/large.bin";
  const running = user.start(["get", `${sandbox.url(scheme)}${path}`, "-o", target, "--limit-rate", "500k"]);
  const partial = join(target, "..", `.${target.split("/").at(-1)}.porthole-part`);
  await until(
    async () => ((await stat(partial).catch(() => undefined))?.size ?? 0) > 0,
    () => `octets in ${partial}; ${running.stderr}`,
  );
  return running;
}

describe("a download that the user ends", () => {
  it.each([
    ["SIGINT", "http", "stopped by Ctrl-C"],
    ["SIGINT", "ftp", "stopped by Ctrl-C"],
    ["SIGTERM", "http", "stopped by a signal"],
    ["SIGHUP", "http", "the terminal is gone"],
  ] as const)(
    "%s over %s: 130 within two seconds, the partial copy is kept and goes on",
    async (signal, scheme, words) => {
      const place = await folder(`${signal}-${scheme}`);
      const target = join(place, "large.bin");
      const running = await underWay(scheme, target);
      const began = performance.now();
      running.child.kill(signal);
      const { status, signal: killed, stdout, stderr } = await running.ended;
      expect(performance.now() - began).toBeLessThan(2000);
      expect([status, killed]).toEqual([130, null]);
      expect(stderr).toBe(`porthole: ${words}\n`);
      expect(stdout).toBe("");
      expect((await readdir(place)).sort()).toEqual([
        ".large.bin.porthole-part",
        ".large.bin.porthole-part.json",
      ]);
      const kept = (await stat(join(place, ".large.bin.porthole-part"))).size;
      expect(kept).toBeGreaterThan(0);

      const path = scheme === "http" ? "files/pub/large.bin" : "pub/large.bin";
      const resumed = await user.run([
        "get",
        `${sandbox.url(scheme)}${path}`,
        "-o",
        target,
        "--resume",
        "-v",
      ]);
      expect(resumed.status).toBe(0);
      expect(resumed.stderr).toContain(scheme === "http" ? `Range: bytes=${kept}-` : `REST ${kept}`);
      const whole = await user.run(["get", `${sandbox.url("http")}files/pub/large.bin`]);
      expect((await readFile(target)).equals(whole.octets)).toBe(true);
      expect(await readdir(place)).toEqual(["large.bin"]);
    },
  );

  it.each(["http", "ftp"] as const)(
    "of a folder over %s, while more was asked for ahead: 130, and one line",
    async (scheme) => {
      const place = await folder(`folder-${scheme}`);
      const path = scheme === "http" ? "files/pub/" : "pub/";
      const from = `${sandbox.url(scheme)}${path}`;
      const running = user.start(["cp", "-r", from, `${place}/`, "--limit-rate", "300k"]);
      const partial = join(place, "pub", ".large.bin.porthole-part");
      await until(
        () =>
          stat(partial).then(
            (facts) => facts.size > 0,
            () => false,
          ),
        () => `octets in ${partial}; ${running.stderr}`,
      );
      running.child.kill("SIGINT");
      const { status, stderr } = await running.ended;
      expect([status, stderr]).toEqual([130, "porthole: stopped by Ctrl-C\n"]);
    },
  );

  it("leaves no process and no connection", async () => {
    const place = await folder("nobody");
    let closed = false;
    await using web = await Web.serve((response) => {
      response.on("close", () => {
        closed = true;
      });
      response.write("x".repeat(1000));
    });
    const running = user.start(["get", web.url("/x"), "-o", join(place, "x")]);
    await until(
      () => web.asked.length > 0,
      () => "a request",
    );
    running.child.kill("SIGINT");
    expect((await running.ended).status).toBe(130);
    await until(
      () => closed,
      () => "the end of the connection",
    );
    await expect(readlink(`/proc/${running.child.pid}/exe`)).rejects.toThrow("ENOENT");
  });

  it("before the server has said a word: 130", async () => {
    await using web = await Web.serve(() => undefined);
    const running = user.start(["get", web.url("/x"), "--json"]);
    await until(
      () => web.asked.length > 0,
      () => "a request",
    );
    running.child.kill("SIGINT");
    const { status, stderr } = await running.ended;
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "aborted", exit: 130 } });
    expect(status).toBe(130);
  });

  it("of several: the others are not begun", async () => {
    await using web = await Web.serve(() => undefined);
    const running = user.start(["get", web.url("/1"), web.url("/2"), web.url("/3"), "-d", "."]);
    await until(
      () => web.asked.length > 0,
      () => "a request",
    );
    running.child.kill("SIGINT");
    const { status, stderr } = await running.ended;
    expect([status, stderr]).toEqual([130, "porthole: stopped by Ctrl-C\n"]);
    expect(web.asked).toHaveLength(1);
  });
});

describe("a reader that leaves", () => {
  it.each([
    ["a document", "get", "http", "stream?bytes=50000000"],
    ["a document over FTP", "get", "ftp", "pub/large.bin"],
    ["a listing", "ls -r", "ftp", ""],
  ])("%s ends quietly with 0", async (_what, verb, scheme, path) => {
    const { status, stdout, stderr } = await user.shell(
      `porthole ${verb} '${sandbox.url(scheme)}${path}' | head -c 1 | wc -c; echo "\${PIPESTATUS[0]}"`,
    );
    expect(stderr).toBe("");
    expect(stdout).toBe("1\n0\n");
    expect(status).toBe(0);
  });

  it("while nothing comes any more: at once", async () => {
    await using web = await Web.serve((response) => {
      response.write("first line\n");
      const timer = setInterval(() => response.write("another\n"), 300);
      response.on("close", () => clearInterval(timer));
    });
    const began = performance.now();
    const { stdout, stderr } = await user.shell(
      `porthole get '${web.url("/x")}' | head -n 1; echo "\${PIPESTATUS[0]}"`,
    );
    expect([stdout, stderr]).toEqual(["first line\n0\n", ""]);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it.each(["--help", "protocols", "--version"])("of %s is no fault", async (word) => {
    const { stdout, stderr } = await user.shell(
      `exec 3> >(exec true); sleep 0.2; porthole ${word} >&3; echo "$?"`,
    );
    expect([stdout, stderr]).toEqual(["0\n", ""]);
  });
});

describe("standard output that takes nothing", () => {
  it.each(["--help", "protocols", "get URL", "ls FTP", "get URL -o out.json --force --json"])(
    "%s: 12",
    async (line) => {
      const args = line
        .replace("URL", `'${sandbox.url("http")}json'`)
        .replace("FTP", `'${sandbox.url("ftp")}'`);
      const { stdout, stderr } = await user.shell(`porthole ${args} > /dev/full; echo "$?"`);
      expect(stderr).toBe(
        line.includes("--json")
          ? '{"error":{"code":"local","exit":12,"message":"standard output: no room left on the device"}}\n'
          : "porthole: standard output: no room left on the device\n",
      );
      expect(stdout).toBe("12\n");
    },
  );

  it("a file on a device that is full is 12 too", async () => {
    const { status, stderr } = await user.run(["get", `${sandbox.url("http")}json`, "-o", "/dev/full"]);
    expect(stderr).toBe("porthole: /dev/full: no room left on the device\n");
    expect(status).toBe(12);
  });
});
