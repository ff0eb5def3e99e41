import { describe, expect, it } from "vitest";
import { type Script, scripted } from "../../fixtures/servers/scripted.js";
import { davEntries } from "../../protocols/http/webdav/properties.js";
import type { Entry, Session } from "../../src/plugin.js";
import { answered, asked, requests, sent, talk } from "./over-client.js";

const PLACE = { origin: { scheme: "http", host: "dav.example", port: 80 }, path: "/dav/a%20b/" } as const;

function response(href: string, props = "<resourcetype/>", status = "HTTP/1.1 200 OK"): string {
  return `<d:response><d:href>${href}</d:href><d:propstat><d:prop>${props}</d:prop><d:status>${status}</d:status></d:propstat></d:response>`;
}

function multistatus(...responses: readonly string[]): Buffer {
  return Buffer.from(
    `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">${responses.join("")}</d:multistatus>`,
  );
}

const FOLDER = "<resourcetype><collection/></resourcetype>";

describe("a folder's properties", () => {
  it("become entries: the place itself, files with size, date and type, folders with a slash", async () => {
    const found = await davEntries(
      multistatus(
        response("/dav/a%20b/", FOLDER),
        response(
          "http://dav.example/dav/a%20b/plan.pdf",
          "<resourcetype/><getcontentlength>12</getcontentlength><getlastmodified>Fri, 01 Mar 2024 08:30:15 GMT</getlastmodified><getcontenttype>application/pdf</getcontenttype><getetag>&quot;x&quot;</getetag>",
        ),
        response("/dav/a%20b/H%C3%A4fen", FOLDER),
      ),
      PLACE,
    );
    expect(found).toEqual([
      {
        self: true,
        entry: { url: "http://dav.example/dav/a%20b/", name: "a b", kind: "directory", meta: { dav: true } },
      },
      {
        self: false,
        entry: {
          url: "http://dav.example/dav/a%20b/plan.pdf",
          name: "plan.pdf",
          kind: "file",
          size: 12,
          modified: new Date("2024-03-01T08:30:15Z"),
          type: "application/pdf",
          meta: { dav: true, etag: '"x"' },
        },
      },
      {
        self: false,
        entry: {
          url: "http://dav.example/dav/a%20b/H%C3%A4fen/",
          name: "Häfen",
          kind: "directory",
          meta: { dav: true },
        },
      },
    ]);
  });

  it("of a server that spells the folder otherwise, and properties that are not there", async () => {
    const found = await davEntries(
      multistatus(
        response("/dav/a b", FOLDER).replace("a b", "a%20b"),
        response("/dav/a%20b/x", "<getcontentlength>9</getcontentlength>", "HTTP/1.1 404 Not Found"),
      ),
      PLACE,
    );
    expect(found.map(({ self, entry }) => [self, entry.name, entry.size])).toEqual([
      [true, "a b", undefined],
      [false, "x", undefined],
    ]);
  });

  it.each([
    ["another host", "http://evil.example/dav/a%20b/x"],
    ["another port", "http://dav.example:81/dav/a%20b/x"],
    ["another scheme", "file:///dav/a%20b/x"],
    ["another folder", "/etc/passwd"],
    ["deeper", "/dav/a%20b/x/y"],
    ["up", "/dav/a%20b/.."],
    ["a slash in the name", "/dav/a%20b/..%2f..%2fx"],
    ["nothing", ""],
    ["a line end", "/dav/a%20b/x\ny"],
  ])("passes over %s", async (_what, href) => {
    expect(await davEntries(multistatus(response(href)), PLACE)).toEqual([]);
  });

  it("with entities, or cut, are none", async () => {
    await expect(davEntries(Buffer.from("<!DOCTYPE x><a/>"), PLACE)).rejects.toMatchObject({
      code: "protocol",
    });
    await expect(davEntries(multistatus().subarray(0, 40), PLACE)).rejects.toMatchObject({
      code: "protocol",
    });
  });
});

async function names(session: Session, path: string, limit?: number): Promise<string[]> {
  const entries: Entry[] = [];
  for await (const entry of session.list?.(path, limit === undefined ? {} : { limit }) ?? [])
    entries.push(entry);
  return entries.map(({ name }) => name);
}

const BODY = "</propfind>\n";
/** Without a look at the page that may be there. */
const DAV = { options: { dav: true } };
const listed = (...responses: readonly string[]): Script =>
  asked()
    .expectUntil(BODY)
    .and(answered("207 Multi-Status", ["Content-Type: application/xml"], multistatus(...responses)));

describe("WebDAV", () => {
  it("lists by PROPFIND of depth 1, as far as is wanted", async () => {
    const folder = () => listed(response("/", FOLDER), response("/a"), response("/b"), response("/c"));
    await talk(
      folder().and(folder()).drain(),
      async (session, server) => {
        expect(await names(session, "/")).toEqual(["a", "b", "c"]);
        expect(await names(session, "/", 2)).toEqual(["a", "b"]);
        expect(sent(server, "depth")).toEqual(["1", "1"]);
      },
      DAV,
    );
  });

  it("is asked only where there is no page, and from then on first", async () => {
    const play = asked()
      .and(answered("403 Forbidden"))
      .and(listed(response("/", FOLDER), response("/a")))
      .and(listed(response("/b/", FOLDER), response("/b/c")));
    await talk(play.drain(), async (session, server) => {
      expect(await names(session, "/")).toEqual(["a"]);
      expect(await names(session, "/b/")).toEqual(["c"]);
      expect(requests(server)).toEqual(["GET /", "PROPFIND /", "PROPFIND /b/"]);
    });
  });

  it("is found where the server leads to the path with its slash, and missing where that is", async () => {
    const play = asked()
      .and(answered("301 Moved Permanently", ["Location: /b/"]))
      .and(asked())
      .and(answered("403 Forbidden"))
      .and(listed(response("/b/", FOLDER), response("/b/c")));
    await talk(play.drain(), async (session, server) => {
      expect(await names(session, "/b")).toEqual(["c"]);
      expect(requests(server)).toEqual(["GET /b", "GET /b/", "PROPFIND /b/"]);
    });
    const lost = asked()
      .and(answered("404 Not Found"))
      .and(asked().expectUntil(BODY).and(answered("405 Method Not Allowed")));
    await talk(lost.drain(), async (session) => {
      await expect(names(session, "/b/")).rejects.toMatchObject({ code: "missing", reply: "404 Not Found" });
    });
  });

  it("is not there: says so", async () => {
    const none = asked().expectUntil(BODY).and(answered("405 Method Not Allowed"));
    await talk(
      none.and(asked().expectUntil(BODY).and(answered("404 Not Found"))).drain(),
      async (session) => {
        await expect(names(session, "/")).rejects.toMatchObject({ code: "refused" });
        await expect(names(session, "/")).rejects.toMatchObject({ code: "missing" });
      },
      DAV,
    );
  });

  it("makes folders, and tells why not", async () => {
    const made = (status: string) => asked().and(answered(status));
    await talk(
      made("201 Created")
        .and(made("405 Method Not Allowed"))
        .and(listed(response("/new/", FOLDER)))
        .and(made("405 Method Not Allowed"))
        .and(asked().expectUntil(BODY).and(answered("405 Method Not Allowed")))
        .and(made("409 Conflict"))
        .drain(),
      async (session, server) => {
        expect(await session.makeFolder?.("/new")).toMatchObject({ kind: "directory", name: "new" });
        await expect(session.makeFolder?.("/new")).rejects.toMatchObject({ code: "local", exit: 12 });
        await expect(session.makeFolder?.("/new")).rejects.toMatchObject({
          code: "refused",
          message: "the server has no WebDAV there",
        });
        await expect(session.makeFolder?.("/a/b/c")).rejects.toMatchObject({ code: "missing" });
        expect(server.lines[0]).toBe("MKCOL /new/ HTTP/1.1");
      },
    );
  });

  it("moves, with the destination as a whole URL", async () => {
    const moved = (status: string) => asked().and(answered(status));
    const nothing = asked().expectUntil(BODY).and(answered("404 Not Found"));
    await talk(
      moved("201 Created")
        .and(moved("412 Precondition Failed"))
        .and(listed(response("/b")))
        .and(nothing)
        .and(moved("409 Conflict"))
        .and(moved("501 No"))
        .drain(),
      async (session, server) => {
        expect(await session.move?.("/a", "/b c")).toMatchObject({ name: "b c" });
        await expect(session.move?.("/a", "/b")).rejects.toMatchObject({ code: "local" });
        await expect(session.move?.("/a", "/b", { replace: true })).rejects.toMatchObject({
          code: "missing",
        });
        await expect(session.move?.("/a", "/b")).rejects.toMatchObject({ code: "refused" });
        expect(sent(server, "destination")[0]).toBe(server.url("http", "/b%20c"));
        expect(sent(server, "overwrite")).toEqual(["F", "F", "T", "F"]);
      },
    );
  });

  it("moves files into a folder, and nothing onto one that is not empty", async () => {
    const full = () => listed(response("/dir/", FOLDER), response("/dir/kept"));
    const nothing = asked().expectUntil(BODY).and(answered("404 Not Found"));
    await talk(
      full()
        .and(listed(response("/a")))
        .and(nothing)
        .and(asked().and(answered("201 Created")))
        // Without --force the server is the first to say that something is there.
        .and(asked().and(answered("412 Precondition Failed")))
        .and(full())
        .and(listed(response("/a")))
        .and(asked().and(answered("201 Created")))
        .and(full())
        .and(full())
        .drain(),
      async (session, server) => {
        expect(await session.move?.("/a", "/dir/", { replace: true })).toMatchObject({ name: "a" });
        expect(await session.move?.("/a", "/dir")).toMatchObject({ url: server.url("http", "/dir/a") });
        await expect(session.move?.("/dir", "/dir/", { replace: true })).rejects.toMatchObject({
          code: "refused",
          message: "there is a folder at that place, and it is not empty",
        });
        const places = ["/dir/a", "/dir", "/dir/a"].map((path) => server.url("http", path));
        expect(sent(server, "destination")).toEqual(places);
      },
    );
  });

  it("moves no file to a folder that is not there, which would become a file", async () => {
    const nothing = asked().expectUntil(BODY).and(answered("404 Not Found"));
    await talk(nothing.and(listed(response("/a"))).drain(), async (session, server) => {
      await expect(session.move?.("/a", "/none/")).rejects.toMatchObject({ code: "missing" });
      expect(sent(server, "destination")).toEqual([]);
    });
  });

  it("takes a listing without the folder itself for none, and not for an empty folder", async () => {
    const elsewhere = () =>
      listed(response("http://inner.example/", FOLDER), response("http://inner.example/a"));
    await talk(
      elsewhere().and(listed()).drain(),
      async (session) => {
        const refused = { code: "protocol", exit: 11 };
        await expect(names(session, "/")).rejects.toMatchObject(refused);
        await expect(session.remove?.("/")).rejects.toMatchObject(refused);
      },
      DAV,
    );
  });

  it("tells what stood in the way of some of it", async () => {
    const locked = multistatus(
      "<d:response><d:href>/dir/a%20b</d:href><d:status>HTTP/1.1 423 Locked</d:status></d:response>",
    );
    const told = (status: string) => asked().and(answered(status, [], locked));
    await talk(
      told("207 Multi-Status")
        .and(told("424 Failed Dependency"))
        .and(told("424 Failed Dependency"))
        .and(told("207 Multi-Status"))
        .drain(),
      async (session) => {
        const removing = () => session.remove?.("/dir", { recursive: true });
        await expect(removing()).rejects.toMatchObject({
          code: "partial",
          reply: "207 /dir/a b: 423 Locked",
        });
        await expect(removing()).rejects.toMatchObject({
          code: "refused",
          message: "it was not removed",
          reply: "424 /dir/a b: 423 Locked",
        });
        await expect(session.move?.("/dir", "/other")).rejects.toMatchObject({ code: "refused" });
        await expect(session.move?.("/dir", "/other")).rejects.toMatchObject({ code: "partial" });
      },
    );
  });

  it("takes no redirect that leads nowhere for something done", async () => {
    const nowhere = () => asked().and(answered("301 Moved Permanently"));
    const unlisted = () => asked().expectUntil(BODY).and(answered("301 Moved Permanently"));
    await talk(
      nowhere()
        .and(nowhere())
        .and(nowhere())
        .and(unlisted())
        .and(unlisted())
        .and(nowhere())
        .and(nowhere())
        .drain(),
      async (session, server) => {
        const refused = { code: "refused", reply: "301 Moved Permanently" };
        await expect(session.remove?.("/a", { recursive: true })).rejects.toMatchObject(refused);
        await expect(session.makeFolder?.("/a")).rejects.toMatchObject(refused);
        // Apache answers so when the destination is a folder and lacks its slash.
        await expect(session.move?.("/a", "/b")).rejects.toMatchObject(refused);
        expect(sent(server, "destination").map((url) => new URL(url).pathname)).toEqual(["/b", "/b/"]);
        const source = { size: 0, body: (async function* () {})(), replace: true };
        await expect(session.write?.("/a", source)).rejects.toMatchObject(refused);
      },
    );
  });

  it("removes no folder with something in it, unless told to", async () => {
    await talk(
      listed(response("/dir/", FOLDER), response("/dir/a"))
        .and(asked().and(answered("204 No Content")))
        .and(asked().and(answered("207 Multi-Status")))
        .drain(),
      async (session, server) => {
        await expect(session.remove?.("/dir")).rejects.toMatchObject({ code: "refused" });
        await session.remove?.("/dir", { recursive: true });
        await expect(session.remove?.("/dir", { recursive: true })).rejects.toMatchObject({
          code: "partial",
        });
        expect(server.lines.filter((line) => line.includes("DELETE"))).toHaveLength(2);
      },
    );
  });

  it("stops at a listing without end", async () => {
    await using server = await scripted(
      asked()
        .expectUntil(BODY)
        .send("HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\n\r\n<a>")
        .flood(40 * 1024 ** 2),
    );
    const { withSession } = await import("./over-client.js");
    await withSession(
      server.url("http", "/"),
      async (session) => {
        await expect(names(session, "/")).rejects.toMatchObject({ code: "protocol" });
      },
      DAV,
    );
  });
});
