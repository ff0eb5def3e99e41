import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { objects, User } from "./program.js";
import { numbered, Web } from "./web.js";

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

/** A new folder in the user's working folder. */
async function folder(name: string): Promise<string> {
  const path = user.path(name);
  await mkdir(path);
  return path;
}

const ALL_OCTETS = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));

describe("get to standard output", () => {
  it.each([
    ["http", "files/pub/exact.bin"],
    ["ftp", "pub/exact.bin"],
  ])("is octet for octet what the server holds: %s", async (scheme, path) => {
    const { status, octets, stderr } = await user.run(["get", `${sandbox.url(scheme)}${path}`]);
    expect(stderr).toBe("");
    expect(octets.equals(ALL_OCTETS)).toBe(true);
    expect(status).toBe(0);
  });

  it("has content coding undone", async () => {
    const plain = await user.run(["get", `${sandbox.url("ftp")}welcome.txt`]);
    for (const coding of ["gzip", "deflate", "br"]) {
      const { stdout } = await user.run(["get", `${sandbox.url("http")}${coding}`]);
      expect(stdout).toBe(plain.stdout);
    }
  });

  it("is the same for a bare URL, and with -o -", async () => {
    const url = `${sandbox.url("http")}files/pub/exact.bin`;
    for (const args of [[url], ["open", url], ["get", url, "-o", "-"]]) {
      const { octets } = await user.run(args);
      expect(octets.equals(ALL_OCTETS)).toBe(true);
    }
  });

  it("of several is one after the other, in their order, whatever --jobs says", async () => {
    await using web = await Web.serve((response, { path }) => {
      setTimeout(() => response.end(`${path}\n`), path === "/slow" ? 300 : 0);
    });
    const { status, stdout } = await user.run([
      "get",
      web.url("/slow"),
      web.url("/a"),
      web.url("/b"),
      "--jobs",
      "3",
    ]);
    expect(stdout).toBe("/slow\n/a\n/b\n");
    expect(status).toBe(0);
  });
});

describe("get to a file", () => {
  it("-o writes the octets, dated as at the server, and says nothing into a pipe", async () => {
    const { status, stdout, stderr } = await user.run([
      "get",
      `${sandbox.url("http")}files/pub/exact.bin`,
      "-o",
      "exact.bin",
    ]);
    expect([status, stdout, stderr]).toEqual([0, "", ""]);
    expect((await readFile(user.path("exact.bin"))).equals(ALL_OCTETS)).toBe(true);
    expect((await stat(user.path("exact.bin"))).mtime.toISOString()).toBe("2024-03-01T08:30:15.000Z");
  });

  it("--json tells what was saved", async () => {
    const url = `${sandbox.url("ftp")}pub/exact.bin`;
    const { stdout } = await user.run(["get", url, "-o", "told.bin", "--json"]);
    expect(objects(stdout)).toEqual([{ url, path: "told.bin", size: 256 }]);
  });

  it("an existing one is untouched without --force: 12, before the body is fetched", async () => {
    await writeFile(user.path("mine.txt"), "mine");
    await using web = await Web.serve((response) => response.end("theirs"));
    const kept = await user.run(["get", web.url("/x"), "-o", "mine.txt"]);
    expect(kept.stderr).toBe("porthole: mine.txt: exists already - --force replaces it\n");
    expect(kept.status).toBe(12);
    expect(await readFile(user.path("mine.txt"), "utf8")).toBe("mine");
    expect(web.asked).toEqual([]);
    const replaced = await user.run(["get", web.url("/x"), "-o", "mine.txt", "--force"]);
    expect(replaced.status).toBe(0);
    expect(await readFile(user.path("mine.txt"), "utf8")).toBe("theirs");
  });

  it.each([
    ["a folder that is not there", "nowhere/x.txt", "nowhere/x.txt: no such file or folder"],
    ["a folder", ".", ".: is a folder - -d DIR saves into one"],
  ])("into %s is 12", async (_what, path, line) => {
    const { status, stderr } = await user.run(["get", `${sandbox.url("http")}json`, "-o", path]);
    expect(stderr).toBe(`porthole: ${line}\n`);
    expect(status).toBe(12);
  });

  it("-d of a folder that is not there makes it, once there is something to put there", async () => {
    await using web = await Web.serve((response) => response.end("theirs"));
    await user.run(["get", `${sandbox.url("http")}nowhere`, "-d", "made/here"]);
    expect(await readdir(user.folder)).not.toContain("made");
    const { status } = await user.run(["get", web.url("/x"), "-d", "made/here"]);
    expect([status, await readFile(join(user.folder, "made/here/x"), "utf8")]).toEqual([0, "theirs"]);
  });

  it("-d of what is no folder is 12, before anything is sent", async () => {
    await using web = await Web.serve((response) => response.end("theirs"));
    await user.run(["get", `${sandbox.url("http")}json`, "-o", "file.json"]);
    const { status, stderr } = await user.run(["get", web.url("/x"), "-d", "file.json"]);
    expect([status, stderr]).toEqual([
      12,
      "porthole: file.json: is not a folder - -d DIR names the folder to save into\n",
    ]);
    expect(web.asked).toEqual([]);
  });
});

describe("the remote name", () => {
  it.each([
    ["the URL's", "plain.txt?x=1", undefined, "plain.txt"],
    ["the URL's, decoded", "a%20b.txt", undefined, "a b.txt"],
    ["what the answer proposes", "download?id=7", 'attachment; filename="report.pdf"', "report.pdf"],
    ["the proposed one's last part", "x", 'attachment; filename="../../etc/passwd"', "passwd"],
    ["never a hidden one", "x", 'attachment; filename=".bashrc"', "_bashrc"],
    ["never one that acts", "x", "attachment; filename*=UTF-8''a%1b%5b2J%2fb%0a.txt", "b_.txt"],
    ["never none", "", undefined, "download"],
  ])("is %s", async (_what, path, disposition, wanted) => {
    const place = await folder(`name-${wanted}`);
    await using web = await Web.serve((response) => {
      if (disposition !== undefined) response.setHeader("Content-Disposition", disposition);
      response.end("content");
    });
    const { status, stderr } = await user.run(["get", web.url(`/${path}`), "-d", place]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(await readdir(place)).toEqual([wanted]);
  });

  it("-O saves into the working folder", async () => {
    const { status } = await user.run(["get", `${sandbox.url("gopher")}0/texts/welcome.txt`, "-O"]);
    expect(status).toBe(0);
    expect(await readdir(user.folder)).toContain("welcome.txt");
  });

  it("that exists is refused before the body is fetched, and is untouched", async () => {
    const place = await folder("taken");
    await writeFile(join(place, "report.pdf"), "mine");
    let sent = 0;
    await using web = await Web.serve((response) => {
      response.setHeader("Content-Disposition", "attachment; filename=report.pdf");
      const timer = setInterval(() => {
        sent += 1;
        response.write("x".repeat(1000));
      }, 20);
      response.on("close", () => clearInterval(timer));
    });
    const { status, stderr } = await user.run(["get", web.url("/x"), "-d", place]);
    expect(stderr).toBe(`porthole: ${place}/report.pdf: exists already - --force replaces it\n`);
    expect(status).toBe(12);
    expect(sent).toBeLessThan(25);
    expect(await readdir(place)).toEqual(["report.pdf"]);
    expect(await readFile(join(place, "report.pdf"), "utf8")).toBe("mine");
  });

  it("that two documents share is given to the first alone", async () => {
    const place = await folder("shared");
    await using web = await Web.serve((response, { path }) => response.end(path));
    const { status, stderr } = await user.run([
      "get",
      web.url("/a/same"),
      web.url("/b/same"),
      "-d",
      place,
      "--force",
    ]);
    expect(stderr).toBe(
      `porthole: ${place}/same: another of these URLs is saved under that name - fetch it by itself, with -o FILE\n`,
    );
    expect(status).toBe(13);
    expect(await readFile(join(place, "same"), "utf8")).toBe("/a/same");
  });
});

describe("--max-size", () => {
  it.each(["-o", "-d"])("past it is 11, and nothing is left: %s", async (flag) => {
    const place = await folder(`max${flag}`);
    const url = `${sandbox.url("http")}stream?bytes=100000`;
    const { status, stdout, stderr } = await user.run([
      "get",
      url,
      flag,
      flag === "-o" ? join(place, "x") : place,
      "--max-size",
      "64k",
    ]);
    expect(stderr).toBe(
      "porthole: http: the document is larger than the 65536 octets allowed - --max-size sets the bound\n",
    );
    expect([status, stdout]).toEqual([11, ""]);
    expect(await readdir(place)).toEqual([]);
  });

  it("counts what is decoded, however it is told before", async () => {
    const place = await folder("max-coded");
    const { status } = await user.run([
      "get",
      `${sandbox.url("http")}gzip`,
      "-o",
      join(place, "x"),
      "--max-size",
      "10",
    ]);
    expect(status).toBe(11);
    expect(await readdir(place)).toEqual([]);
  });

  it("is no matter for what fits exactly", async () => {
    const { status } = await user.run([
      "get",
      `${sandbox.url("http")}files/pub/exact.bin`,
      "--max-size",
      "256",
      "-o",
      "fits.bin",
    ]);
    expect(status).toBe(0);
  });
});

describe("several URLs", () => {
  it("of which one fails: the rest is done, exit 13", async () => {
    const place = await folder("several");
    const http = sandbox.url("http");
    const { status, stdout, stderr } = await user.run([
      "get",
      `${http}json`,
      `${http}nowhere`,
      `${http}files/pub/exact.bin`,
      "-d",
      place,
    ]);
    expect(stderr).toMatch(/^porthole: http: [^\n]*404[^\n]*\n$/);
    expect([status, stdout]).toEqual([13, ""]);
    expect((await readdir(place)).sort()).toEqual(["exact.bin", "json"]);
  });

  it("that all fail alike: their own status", async () => {
    const http = sandbox.url("http");
    const { status, stderr } = await user.run(["get", `${http}nowhere`, `${http}neither`, "--json"]);
    expect(objects(stderr).map(({ error }) => error)).toMatchObject([
      { code: "missing", exit: 8, url: `${http}nowhere` },
      { code: "missing", exit: 8, url: `${http}neither` },
    ]);
    expect(status).toBe(8);
  });

  it("are fetched up to --jobs at once, and told in their order", async () => {
    const place = await folder("jobs");
    let open = 0;
    let most = 0;
    await using web = await Web.serve((response, { path }) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(
        () => {
          open -= 1;
          response.end(path);
        },
        path === "/1" ? 600 : 150,
      );
    });
    const urls = ["/1", "/2", "/3", "/4", "/5"].map((path) => web.url(path));
    const { status, stdout, stderr } = await user.run(["get", ...urls, "-d", place, "--jobs", "3", "--json"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(most).toBe(3);
    expect(objects(stdout)).toEqual(
      urls.map((url, index) => ({ url, path: join(place, String(index + 1)), size: 2 })),
    );
    expect((await readdir(place)).sort()).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("are fetched one by one without --jobs", async () => {
    const place = await folder("no-jobs");
    let open = 0;
    let most = 0;
    await using web = await Web.serve((response, { path }) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        response.end(path);
      }, 50);
    });
    const { status } = await user.run(["get", web.url("/1"), web.url("/2"), web.url("/3"), "-d", place]);
    expect([status, most]).toEqual([0, 1]);
  });
});

describe("--retry", () => {
  it("asks again after a 503, and says so", async () => {
    await using web = await Web.serve((response, _asked, number) => {
      response.statusCode = number === 1 ? 503 : 200;
      response.end(number === 1 ? "later" : "now");
    });
    const { status, stdout, stderr } = await user.run(["get", web.url("/x"), "--retry", "2"]);
    expect(stdout).toBe("now");
    expect(stderr).toMatch(/^porthole: [^\n]*503[^\n]*; trying again in 1 s \(1 of 2\)\n$/);
    expect(status).toBe(0);
    expect(web.asked).toHaveLength(2);
  });

  it("does not ask again what was refused for good, nor without the option", async () => {
    await using web = await Web.serve((response, { path }) => {
      response.statusCode = Number(path.slice(1));
      response.end();
    });
    expect((await user.run(["get", web.url("/403"), "--retry", "3"])).status).toBe(9);
    expect((await user.run(["get", web.url("/503")])).status).toBe(10);
    expect(web.asked).toHaveLength(2);
  });

  it("continues where a file was cut", async () => {
    const whole = numbered(300_000);
    await using web = await Web.serve((response, { headers }, number) => {
      response.setHeader("ETag", '"one"');
      response.setHeader("Content-Length", number === 1 ? whole.length : 200_000);
      if (number === 1) {
        response.write(whole.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 100));
      } else {
        response.writeHead(206, { "Content-Range": "bytes 100000-299999/300000" });
        response.end(whole.subarray(100_000));
      }
      expect(headers.range).toBe(number === 1 ? undefined : "bytes=100000-");
    });
    const { status } = await user.run(["get", web.url("/x"), "-o", "retried.bin", "--retry", "1"]);
    expect(status).toBe(0);
    expect((await readFile(user.path("retried.bin"))).equals(whole)).toBe(true);
  });

  it("does not begin anew what is on standard output already", async () => {
    await using web = await Web.serve((response) => {
      response.setHeader("Content-Length", 100);
      response.write("half", () => setTimeout(() => response.destroy(), 100));
    });
    const { status, stdout } = await user.run(["get", web.url("/x"), "--retry", "3"]);
    expect(stdout).toBe("half");
    expect(status).toBe(11);
    expect(web.asked).toHaveLength(1);
  });

  it("repeats a listing that failed before its first line", async () => {
    await using web = await Web.serve((response, { method }, number) => {
      response.statusCode = number === 1 ? 503 : 200;
      response.setHeader("Content-Length", 5);
      response.end(method === "HEAD" ? undefined : "12345");
    });
    const { status, stdout } = await user.run(["stat", web.url("/x"), "--retry", "1", "-q"]);
    expect(stdout).toContain("size");
    expect(status).toBe(0);
  });
});

describe("--limit-rate", () => {
  it("keeps the octets and takes its time", async () => {
    const began = performance.now();
    const { status, octets } = await user.run([
      "get",
      `${sandbox.url("http")}stream?bytes=200000`,
      "--limit-rate",
      "100k",
    ]);
    expect(status).toBe(0);
    expect(octets).toHaveLength(200_000);
    expect(performance.now() - began).toBeGreaterThan(900);
  });
});

describe("a short URL", () => {
  it.each(["localhost:PORT/a?b", ":PORT/a?b", "127.0.0.1:PORT/a?b", "LOCALHOST:PORT/a?b"])(
    "of this machine is http: %s",
    async (url) => {
      await using web = await Web.serve((response, { path }) => response.end(path));
      const { status, stdout } = await user.run([
        "get",
        url.replace("PORT", String(web.port)),
        "-4",
        "--resolve",
        `localhost:${web.port}:127.0.0.1`,
      ]);
      expect([status, stdout]).toEqual([0, "/a?b"]);
    },
  );

  it("of any other host is https, on its port", async () => {
    const { status, stderr } = await user.run([
      "get",
      "porthole.example/x",
      "--resolve",
      "porthole.example:443:127.0.0.1",
      "--json",
    ]);
    expect(objects(stderr)).toMatchObject([{ error: { url: "https://porthole.example/x" } }]);
    expect(status).toBe(4);
  });
});
