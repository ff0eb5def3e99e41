import { describe, expect, it } from "vitest";
import { eachPort } from "../../src/verbs/ports.js";

describe("several ports in a URL", () => {
  it.each([
    ["tcp://host:20-22", ["tcp://host:20", "tcp://host:21", "tcp://host:22"]],
    ["tcp://[::1]:25,80-81/", ["tcp://[::1]:25/", "tcp://[::1]:80/", "tcp://[::1]:81/"]],
    ["tls://me:pa:ss@host:443,443", ["tls://me:pa:ss@host:443"]],
    ["tcp://host:80", ["tcp://host:80"]],
    ["tcp://host:http", ["tcp://host:http"]],
    [
      "tcp://host:ssh,8000-8001,http-alt",
      ["ssh", 8000, 8001, "http-alt"].map((port) => `tcp://host:${port}`),
    ],
    ["https://example.org/a:1-2", ["https://example.org/a:1-2"]],
    ["example.org:80", ["example.org:80"]],
  ])("%s", (url, urls) => {
    expect(eachPort(url)).toEqual(urls);
  });

  it.each(["tcp://host:0-3", "tcp://host:30-20", "tcp://host:1-70000"])("%s are none", (url) => {
    expect(() => eachPort(url)).toThrow(/are no ports/);
  });
});
