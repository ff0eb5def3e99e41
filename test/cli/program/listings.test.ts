/** ls, search and a bare URL: for a script, and for a person at a terminal. */
import { utimes, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { script, scripted } from "../../../fixtures/servers/scripted.js";
import { Screen } from "../on-a-screen.js";
import { objects, PROGRAM, User } from "./program.js";

let user: User;
let sandbox: Sandbox;

beforeAll(async () => {
  user = await User.create();
  sandbox = await startSandbox({ only: ["http", "ftp", "gopher"] });
});
afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

const ftp = (path = "") => `${sandbox.url("ftp")}${path}`;
const gopher = (path = "") => `${sandbox.url("gopher")}${path}`;

describe("a listing in a pipe", () => {
  it("is one name a line", async () => {
    const { status, stdout, stderr } = await user.run(["ls", ftp("pub")]);
    expect(stdout.split("\n").sort()).toEqual([
      "",
      "charts",
      "empty.txt",
      "exact.bin",
      "large.bin",
      "logbook.txt",
      "tides.csv",
    ]);
    expect([status, stderr]).toEqual([0, ""]);
  });

  it("is the same for a bare URL and for open", async () => {
    const { stdout } = await user.run(["ls", ftp("pub/charts")]);
    for (const args of [[ftp("pub/charts/")], ["open", ftp("pub/charts/")]]) {
      expect((await user.run(args)).stdout).toBe(stdout);
    }
  });

  it("-l tells kind, size and date", async () => {
    const { stdout } = await user.run(["ls", "-l", ftp("pub")]);
    expect(stdout.split("\n")).toContain("file         256  Mar  1  2024  exact.bin");
    expect(stdout.split("\n")).toContain("file        5.0M  Mar  1  2024  large.bin");
    expect(stdout.split("\n")).toContain("directory      -  Feb 29  2024  charts");
  });

  it("-r goes down, --limit stops", async () => {
    const all = await user.run(["ls", "-r", ftp("pub/charts")]);
    expect(all.stdout.split("\n").sort()).toEqual([
      "",
      "bay.txt",
      "north",
      "north/1875",
      "north/1875/wreck.txt",
      "north/mole.txt",
    ]);
    const some = await user.run(["ls", "-r", ftp("pub/charts"), "--limit", "2"]);
    expect(some.stdout.split("\n")).toHaveLength(3);
    const none = await user.run(["ls", ftp("pub"), "--limit", "0"]);
    expect([none.status, none.stdout]).toEqual([0, ""]);
  });

  it("--sort and --reverse put it in order, whatever the protocol; --limit gives the first of that order", async () => {
    const listed = async (url: string, ...options: string[]) =>
      (await user.run(["ls", url, ...options])).stdout.split("\n").slice(0, -1);
    const byName = ["charts", "empty.txt", "exact.bin", "large.bin", "logbook.txt", "tides.csv"];
    expect(await listed(ftp("pub"), "--sort", "name")).toEqual(byName);
    expect(await listed(ftp("pub"), "--reverse")).toEqual(byName.toReversed());
    const bySize = await listed(ftp("pub"), "--sort", "size");
    expect([bySize[0], ...bySize.slice(-2)]).toEqual(["large.bin", "empty.txt", "charts"]);
    const smallest = ["--sort", "size", "--reverse", "--limit", "2"];
    expect(await listed(ftp("pub"), ...smallest)).toEqual(["empty.txt", "logbook.txt"]);
    await writeFile(user.path("older"), "older");
    await writeFile(user.path("newer"), "");
    await utimes(user.path("older"), 1, 1);
    expect(await listed(user.folder, "--sort", "time")).toEqual(["newer", "older"]);
    expect(await listed(gopher(), "--sort", "name", "--limit", "1")).toHaveLength(1);
    const bare = await user.run([ftp("pub/"), "--sort", "size", "--limit", "1"]);
    expect(bare.stdout).toBe("large.bin\n");
    expect((await user.run(["ls", ftp("pub"), "--sort", "colour"])).status).toBe(2);
  });

  it("of a place that is not there is 8", async () => {
    const { status, stdout, stderr } = await user.run(["ls", ftp("nowhere")]);
    expect(stderr).toMatch(/^porthole: ftp: [^\n]*\(550 [^\n]*\n$/);
    expect([status, stdout]).toEqual([8, ""]);
  });

  it("never holds a line that a name made", async () => {
    const play = script().expect("").sendLines("0One\u2028Two\u0085\x1b[2J\t/1\tlocalhost\t70", ".").drop();
    await using server = await scripted(play);
    const { stdout } = await user.run(["ls", server.url("gopher", "/")]);
    expect(stdout.split("\n")).toHaveLength(2);
  });
});

describe("--json", () => {
  it("is an object a line with type, name and url, and what is known besides", async () => {
    const { stdout } = await user.run(["ls", "--json", ftp("pub")]);
    const exact = objects(stdout).find(({ name }) => name === "exact.bin");
    expect(exact).toMatchObject({
      type: "file",
      name: "exact.bin",
      url: ftp("pub/exact.bin"),
      size: 256,
      modified: "2024-03-01T08:30:15.000Z",
      ftp: {},
    });
    for (const entry of objects(stdout)) {
      expect([typeof entry["type"], typeof entry["name"], typeof entry["url"]]).toEqual([
        "string",
        "string",
        "string",
      ]);
    }
  });

  it.each(["ftp", "ftps", "gopher"])(
    "closes a circle: every url of %s goes back into stat, and ls or get",
    async (scheme) => {
      const trust = ["--cacert", sandbox.caFile];
      const place = scheme === "gopher" ? gopher() : `${sandbox.url(scheme)}names/`;
      const entries = objects((await user.run(["ls", "--json", place, ...trust])).stdout).filter(
        // The harbour has a door to nowhere, for trying.
        ({ type, url }) =>
          type !== "note" && type !== "search" && /^(?:ftps?|gopher):(?!.*\/lost$)/.test(String(url)),
      );
      expect(entries.length).toBeGreaterThan(3);
      const urls = entries.map(({ url }) => String(url));
      const again = await user.run(["stat", "--json", ...urls, ...trust]);
      expect(again.stderr).toBe("");
      expect(objects(again.stdout).map(({ url }) => url)).toEqual(urls);
      for (const type of ["menu", "directory"]) {
        const folders = entries.filter((entry) => entry["type"] === type).map(({ url }) => String(url));
        if (folders.length > 0) expect((await user.run(["ls", ...folders, ...trust])).stderr).toBe("");
      }
      const files = entries.filter(({ type }) => type === "file").map(({ url }) => String(url));
      const got = await user.run(["get", ...files, ...trust]);
      expect([got.status, got.stderr]).toEqual([0, ""]);
      expect(got.octets.length).toBeGreaterThan(0);
    },
  );

  it("names of any octets come back through their URL", async () => {
    const entries = objects((await user.run(["ls", "--json", ftp("names")])).stdout);
    expect(entries.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "-dash.txt",
        "harbour plan.txt",
        'quote"d.txt',
        "100% #1?.txt",
        "häfen.txt",
        "灯台.txt",
      ]),
    );
    for (const { name, url } of entries.filter((entry) => String(entry["name"]).startsWith("100%"))) {
      const { stdout } = await user.run(["get", String(url)]);
      expect([name, stdout]).toEqual(["100% #1?.txt", "a name that a URL must encode\n"]);
    }
  });

  it("escapes what a terminal would act on", async () => {
    const play = script().expect("").sendLines("0\x1b]0;owned\x07\t/1\tlocalhost\t70", ".").drop();
    await using server = await scripted(play);
    const { stdout } = await user.run(["ls", "--json", server.url("gopher", "/")]);
    expect(stdout).not.toContain("\x1b");
    expect(objects(stdout)[0]).toMatchObject({ name: "\x1b]0;owned\x07" });
  });
});

describe("search", () => {
  it("asks the server's own search, words together", async () => {
    const { status, stdout } = await user.run(["search", gopher("7/search"), "lighthouse"]);
    expect(status).toBe(0);
    expect(stdout).not.toBe("");
    const json = await user.run(["search", "--json", "--limit", "1", gopher("7/search"), "lighthouse"]);
    expect(objects(json.stdout).filter(({ type }) => type !== "note")).toHaveLength(1);
  });
});

describe("on a terminal", () => {
  const typed = (args: string) => `${process.execPath} ${PROGRAM} ${args}`;
  /** Nothing of the outside, and no pager. */
  const environment = (more: Record<string, string> = {}) => ({
    HOME: user.home,
    XDG_CONFIG_HOME: `${user.home}/.config`,
    NO_PROXY: "*",
    PAGER: "",
    NO_COLOR: "1",
    ...more,
  });

  it("ls is a grid", async () => {
    await using screen = await Screen.open(`${typed(`ls ${ftp("pub")}`)}; echo done`, environment());
    const text = await screen.shows("done");
    expect(text).toMatch(/^charts +exact\.bin +logbook\.txt\nempty\.txt +large\.bin +tides\.csv$/m);
  });

  it("a bare URL is numbered, notes and all", async () => {
    await using screen = await Screen.open(`${typed(`${gopher("1/texts")}`)}; echo done`, environment());
    expect(await screen.shows("done")).toMatch(/^ {3}1 {2}\S/m);
  });

  it("a page is text, a binary is refused", async () => {
    const arrived = `${sandbox.url("http")}redirect/1`;
    await using page = await Screen.open(`${typed(arrived)}; echo done`, environment());
    expect(await page.shows("done")).toMatch(/^ARRIVED$/m);
    await using binary = await Screen.open(
      `${typed(`get ${sandbox.url("http")}files/pub/exact.bin`)}; echo "status $?"`,
      environment(),
    );
    const text = await binary.shows("status 2");
    expect(text.replaceAll("\n", "")).toContain("application/octet-stream is not shown on a terminal");
  });

  it("control characters in names and texts are harmless", async () => {
    const menu = script()
      .expect("")
      .sendLines("0Evil\x1b[31m\x1b]0;owned\x07name\t/1\tlocalhost\t70", ".")
      .drop();
    const text = script().expect("/1").sendLines("a\x1b[2Jb\x9b31mc\u202ed", ".").drop();
    await using server = await scripted([menu, text]);
    await using screen = await Screen.open(
      `${typed(`ls ${server.url("gopher", "/")}`)}; ${typed(`get ${server.url("gopher", "/0/1")}`)}; echo done`,
      environment(),
    );
    const shown = await screen.shows("done");
    expect(shown).toContain("Evil\\x1b[31m\\x1b]0;owned\\x07name");
    expect(shown).toContain("a\\x1b[2Jb");
    expect(shown).toContain("\\u202ed");
  });

  it("colours follow --color, then NO_COLOR", async () => {
    const blue = "\x1b[34mcharts\x1b[39m";
    const plain = await user.run(["ls", ftp("pub"), "-l"]);
    expect(plain.stdout).not.toContain("\x1b");
    const always = await user.run(["ls", ftp("pub"), "-l", "--color", "always"], {
      environment: { NO_COLOR: "1" },
    });
    expect(always.stdout).toContain(blue);
    for (const [color, wanted] of [
      ["--color never", "no"],
      ["", "yes"],
    ] as const) {
      await using screen = await Screen.open(
        `script -qec '${typed(`ls ${color} ${ftp("pub")}`)}' /dev/null | grep -q "$(printf '\\033')\\[34m" && echo colours-yes || echo colours-no`,
        environment({ NO_COLOR: "", TERM: "xterm" }),
      );
      await screen.shows(`colours-${wanted}`);
    }
  });
});
