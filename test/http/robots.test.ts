import { describe, expect, it } from "vitest";
import { robots } from "../../protocols/http/library.js";
import { parseRobots } from "../../protocols/http/robots.js";
import { Client } from "../../src/client.js";
import { answered, asked, talk } from "./over-client.js";

const allowed = (text: string, ...paths: readonly string[]) => {
  const rules = parseRobots(text, "porthole");
  return paths.map((path) => rules.allows(path));
};

describe("robots.txt", () => {
  it("is for the agent that it names, else for all", () => {
    const text =
      "User-agent: Other\nDisallow: /\n\nUser-agent: Porthole/9.9\nDisallow: /no\n\nUser-agent: *\nDisallow: /all";
    expect(allowed(text, "/no", "/all", "/")).toEqual([false, true, true]);
    expect(allowed("User-agent: other\nDisallow: /", "/x")).toEqual([true]);
    expect(allowed("User-agent: portholes\nDisallow: /", "/x")).toEqual([true]);
  });

  it("has groups of several agents, and several groups of one", () => {
    const text = "User-agent: a\nUser-agent: porthole\nDisallow: /x\nUser-agent: porthole\nDisallow: /y\n";
    expect(allowed(text, "/x", "/y", "/z")).toEqual([false, false, true]);
  });

  it("goes by the longest rule, and allows when two are as long", () => {
    const text =
      "User-agent: *\nDisallow: /a\nAllow: /a/open\nDisallow: /a/open/not\nAllow: /same\nDisallow: /same\n";
    expect(allowed(text, "/a/x", "/a/open/x", "/a/open/not", "/same")).toEqual([false, true, false, true]);
  });

  it("knows * and $", () => {
    const text = "User-agent: *\nDisallow: /*.pdf$\nDisallow: /a*b*c\nDisallow: *?sort=\n";
    expect(allowed(text, "/x.pdf", "/x.pdf?y", "/a1b2c3", "/acb", "/list?sort=up")).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it("takes octets for the same however they are written", () => {
    const text = "User-agent: *\nDisallow: /caf\u00e9\nDisallow: /a%7eb\nDisallow: /c%2Fd\n";
    expect(allowed(text, "/caf%C3%A9", "/caf%c3%a9/x", "/a~b", "/c/d")).toEqual([false, false, false, true]);
  });

  it("forbids nothing by an empty rule, and never itself", () => {
    expect(allowed("User-agent: *\nDisallow:\n", "/x")).toEqual([true]);
    expect(allowed("User-agent: *\nDisallow: /\n", "/robots.txt", "/x")).toEqual([true, false]);
    expect(allowed("Disallow: /\n# User-agent: *\nnonsense\n\0", "/x")).toEqual([true]);
  });

  it("tells the delay and the sitemaps", () => {
    const text =
      "\ufeffSitemap: https://x.example/map.xml\r\nUser-agent: *\r\nCrawl-delay: 2.5 # seconds\r\nCrawl-delay: soon\r\n";
    expect(parseRobots(text, "porthole")).toMatchObject({
      delay: 2.5,
      sitemaps: ["https://x.example/map.xml"],
    });
  });

  it("of a hostile site takes little time", () => {
    const text = `User-agent: *\n${`Disallow: /${"*a".repeat(2000)}b$\n`.repeat(100)}`;
    expect(allowed(text, `/${"a".repeat(100_000)}`)).toEqual([true]);
  });
});

describe("a site's robots.txt", () => {
  it.each([
    ["404 Not Found", true],
    ["403 Forbidden", true],
    ["503 Service Unavailable", false],
  ])("that is answered by %s allows: %s", async (status, allows) => {
    await talk(asked().and(answered(status)).drain(), async (session) => {
      expect((await session.robots?.())?.allows("/x")).toBe(allows);
    });
  });

  it("is there for the library", async () => {
    await talk(
      asked()
        .and(answered("200 OK", [], "User-agent: *\nDisallow: /x"))
        .drain(),
      async (_session, server) => {
        const rules = await robots(new Client(), server.url("http", "/deep/page"));
        expect([rules.allows("/x"), rules.allows("/y")]).toEqual([false, true]);
      },
    );
  });
});
