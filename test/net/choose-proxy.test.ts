import { describe, expect, it } from "vitest";
import { chooseProxy, isExempt, parseProxy, proxyAuthorization } from "../../src/net/proxy/choose.js";
import type { ProxySettings } from "../../src/net/settings.js";

function chosen(scheme: string, settings: ProxySettings | undefined, host = "www.example", port = 80) {
  return chooseProxy(scheme, host, port, settings)?.shown;
}

describe("the proxy", () => {
  it("is none without settings", () => {
    expect(chosen("http", undefined)).toBeUndefined();
    expect(chosen("http", {})).toBeUndefined();
    expect(chosen("http", { environment: {} })).toBeUndefined();
  });

  it.each([
    ["http", { http_proxy: "http://low:1" }, "http://low:1"],
    ["http", { HTTP_PROXY: "http://up:1" }, "http://up:1"],
    ["http", { http_proxy: "http://low:1", HTTP_PROXY: "http://up:1" }, "http://low:1"],
    ["http", { http_proxy: "", HTTP_PROXY: "http://up:1" }, "http://up:1"],
    ["https", { https_proxy: "http://low:1" }, "http://low:1"],
    ["https", { HTTPS_PROXY: "http://up:1" }, "http://up:1"],
    ["https", { HTTP_PROXY: "http://up:1" }, undefined],
    ["http", { HTTPS_PROXY: "http://up:1" }, undefined],
    ["ftp", { ftp_proxy: "http://low:1" }, "http://low:1"],
    ["ftp", { FTP_PROXY: "http://up:1" }, "http://up:1"],
    ["imaps", { IMAPS_PROXY: "socks5://up:1" }, "socks5://up:1"],
    ["ws", { HTTP_PROXY: "http://up:1" }, "http://up:1"],
    ["wss", { HTTPS_PROXY: "http://up:1" }, "http://up:1"],
    ["smtp", { all_proxy: "socks5h://low:1" }, "socks5h://low:1"],
    ["smtp", { ALL_PROXY: "socks5h://up:1" }, "socks5h://up:1"],
    ["smtp", { all_proxy: "socks5://low:1", ALL_PROXY: "socks5://up:1" }, "socks5://low:1"],
    ["smtp", { HTTP_PROXY: "http://up:1", HTTPS_PROXY: "http://up:2" }, undefined],
    ["http", { HTTP_PROXY: "http://one:1", ALL_PROXY: "http://all:1" }, "http://one:1"],
    ["http", { http_proxy: "", ALL_PROXY: "http://all:1" }, "http://all:1"],
    ["http", { ALL_PROXY: "" }, undefined],
  ] as const)("for %s: from %j is %s", (scheme, environment, shown) => {
    expect(chosen(scheme, { environment })).toBe(shown);
  });

  it("of -x comes before the environment's, and an empty one turns proxies off", () => {
    const environment = { HTTP_PROXY: "http://up:1", ALL_PROXY: "http://all:1" };
    expect(chosen("http", { url: "socks5://mine:1080", environment })).toBe("socks5://mine:1080");
    expect(chosen("http", { url: "", environment })).toBeUndefined();
  });

  it("is left out for what NO_PROXY names, also under -x", () => {
    expect(chosen("http", { url: "http://p:1", environment: { NO_PROXY: "example" } })).toBeUndefined();
    expect(chosen("http", { url: "http://p:1", environment: { no_proxy: "example" } })).toBeUndefined();
    const both = { no_proxy: "other.invalid", NO_PROXY: "example" };
    expect(chosen("http", { url: "http://p:1", environment: both })).toBe("http://p:1");
  });

  it("is left out for what --noproxy names, whatever NO_PROXY says", () => {
    const environment = { HTTP_PROXY: "http://p:1", NO_PROXY: "example" };
    expect(chosen("http", { exempt: "", environment })).toBe("http://p:1");
    expect(chosen("http", { exempt: "other.invalid", environment })).toBe("http://p:1");
    expect(chosen("http", { exempt: "www.example", environment })).toBeUndefined();
  });
});

describe("NO_PROXY", () => {
  it.each([
    ["example.org", "example.org", 80, true],
    ["example.org", "www.example.org", 80, true],
    ["example.org", "myexample.org", 80, false],
    [".example.org", "example.org", 80, true],
    [".example.org", "www.example.org", 80, true],
    ["*.example.org", "www.example.org", 80, true],
    ["www.example.org", "example.org", 80, false],
    ["EXAMPLE.org", "www.example.ORG", 80, true],
    ["example.org.", "example.org", 80, true],
    ["example.org", "example.org.", 80, true],
    ["example.org:8080", "example.org", 8080, true],
    ["example.org:8080", "www.example.org", 80, false],
    ["*", "anything.invalid", 1, true],
    ["", "example.org", 80, false],
    [" , ,", "example.org", 80, false],
    ["a.invalid, example.org", "example.org", 80, true],
    ["a.invalid example.org", "example.org", 80, true],
    ["localhost,127.0.0.1,::1", "::1", 80, true],
    ["127.0.0.1", "127.0.0.1", 80, true],
    ["127.0.0.1:25", "127.0.0.1", 80, false],
    ["127.0.0.1", "1.127.0.0.1", 80, false],
    ["10.0.0.0/8", "10.200.1.1", 80, true],
    ["10.0.0.0/8", "11.0.0.1", 80, false],
    ["10.0.0.0/8", "10.example.org", 80, false],
    ["10.0.0.0/33", "10.0.0.1", 80, false],
    ["10.0.0.0/x", "10.0.0.1", 80, false],
    ["10.0.0.0/", "10.0.0.1", 80, false],
    ["0.0.0.0/0", "192.0.2.1", 80, true],
    ["0.0.0.0/0", "2001:db8::1", 80, false],
    ["2001:db8::/32", "2001:db8:1::2", 80, true],
    ["[2001:db8::]/32", "2001:db8:1::2", 80, true],
    ["2001:db8::/32", "2001:db9::2", 80, false],
    ["[::1]", "::1", 80, true],
    ["[::1]:8080", "::1", 8080, true],
    ["[::1]:8080", "::1", 80, false],
    ["0:0:0:0:0:0:0:1", "::1", 80, true],
    ["fe80::1", "fe80::1%eth0", 80, true],
    ["::1", "example.org", 80, false],
    [".", "example.org", 80, false],
    ["*.", "example.org", 80, false],
    [":80", "example.org", 80, false],
  ] as const)("%j for %s:%i is %s", (list, host, port, exempt) => {
    expect(isExempt(host, port, list)).toBe(exempt);
  });
});

describe("a proxy's URL", () => {
  it.each([
    ["http://p", "http", "p", 80],
    ["https://p", "https", "p", 443],
    ["p:3128", "http", "p", 3128],
    ["p", "http", "p", 80],
    ["127.0.0.1:3128", "http", "127.0.0.1", 3128],
    ["[::1]:3128", "http", "::1", 3128],
    ["http://p:3128/", "http", "p", 3128],
    ["SOCKS5://P", "socks5", "p", 1080],
    ["socks5h://p:9050", "socks5h", "p", 9050],
    ["socks4a://p", "socks4a", "p", 1080],
    ["socks4://p", "socks4a", "p", 1080],
    ["socks://p", "socks5h", "p", 1080],
    ["socks5h://[::1]:9050", "socks5h", "::1", 9050],
  ] as const)("%s is %s at %s, %i", (text, kind, host, port) => {
    expect(parseProxy(text, "--proxy")).toMatchObject({
      kind,
      host,
      port,
      user: undefined,
      password: undefined,
    });
  });

  it("has a login, which is not shown", () => {
    const proxy = parseProxy("http://me:s%40cret@p:1", "--proxy");
    expect([proxy.user, proxy.password, proxy.shown]).toEqual(["me", "s@cret", "http://p:1"]);
    expect(proxyAuthorization(proxy)).toBe("Basic bWU6c0BjcmV0");
    expect(proxyAuthorization(parseProxy("http://me@p", "--proxy"))).toBe("Basic bWU6");
    expect(proxyAuthorization(parseProxy("http://p", "--proxy"))).toBeUndefined();
    expect(parseProxy("http://[::1]:1", "--proxy").shown).toBe("http://[::1]:1");
  });

  it.each([
    ["ftp://p", "--proxy: 'ftp' is not a kind of proxy"],
    ["constructor://p", "--proxy: 'constructor' is not a kind of proxy"],
    ["tostring://p", "--proxy: 'tostring' is not a kind of proxy"],
    ["http://", "--proxy: the proxy has no host"],
    ["http://:3128", "--proxy: the proxy has no host"],
    ["http://me:hunter22@p:99999", "port 99999 in 'http://me@p:99999' is beyond 65535"],
    ["http://me:hun/ter22@p:1", "'http://me@p:1' has no readable host and port"],
    ["http://me:hunter%2@p:1", "'http://me@p:1' has broken percent-encoding"],
  ])("%s is refused, and its password is not repeated", (text, message) => {
    expect(() => parseProxy(text, "--proxy")).toThrow(expect.objectContaining({ code: "usage", message }));
  });
});
