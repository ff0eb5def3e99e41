import { describe, expect, it } from "vitest";
import { Registry } from "../src/registry.js";
import { resolveTarget } from "../src/target.js";

const registry = new Registry();
const accounts = new Map([
  ["work", "imaps://me@mail.example.org"],
  ["deep", "imaps://me@mail.example.org/INBOX/"],
]);
const resolve = (text: string) => resolveTarget(text, registry, (name) => accounts.get(name));
const refusal = (message: string, hint?: string) =>
  expect.objectContaining({ code: "usage", message, ...(hint === undefined ? {} : { hint }) });

describe("a scheme", () => {
  it.each([
    ["http", "http", 80, "never"],
    ["https", "http", 443, "always"],
    ["ftp", "ftp", 21, "upgrade"],
    ["ftps", "ftp", 990, "always"],
    ["smtp", "smtp", 25, "upgrade"],
    ["smtps", "smtp", 465, "always"],
    ["submission", "smtp", 587, "upgrade"],
    ["lmtp", "smtp", 24, "upgrade"],
    ["pop3", "pop3", 110, "upgrade"],
    ["pop3s", "pop3", 995, "always"],
    ["pop", "pop3", 110, "upgrade"],
    ["pops", "pop3", 995, "always"],
    ["imap", "imap", 143, "upgrade"],
    ["imaps", "imap", 993, "always"],
    ["nntp", "nntp", 119, "upgrade"],
    ["nntps", "nntp", 563, "always"],
    ["telnet", "telnet", 23, "upgrade"],
    ["telnets", "telnet", 992, "always"],
    ["gopher", "gopher", 70, "never"],
    ["gophers", "gopher", 70, "always"],
  ])("%s is %s's, on port %i", (scheme, protocol, port, tls) => {
    expect(resolve(`${scheme}://h.example/`)).toMatchObject({ protocol, port, tls, host: "h.example" });
    expect(resolve(`${scheme}://h.example:7/`)).toMatchObject({ protocol, port: 7 });
    expect(resolve(`${scheme.toUpperCase()}://h.example`)).toMatchObject({ protocol, path: "" });
  });

  it.each([
    ["tcp://h:1", "socket"],
    ["tls://h:1", "socket"],
    ["udp://h:1", "socket"],
    ["tcp://:12345", "socket"],
    ["unix:/run/x.sock", "socket"],
    ["file:/etc/motd", "local"],
    ["file:///etc/motd", "local"],
    ["maildir:./backup", "local"],
    ["mbox:/var/mail/me", "local"],
    ["eml:./x.eml", "local"],
  ])("of %s is %s's", (text, protocol) => {
    expect(resolve(text).protocol).toBe(protocol);
  });

  it.each([
    ["htpp://h/", "unknown scheme 'htpp:'", "did you mean http:?"],
    ["htps://h/", "unknown scheme 'htps:'", "did you mean https:?"],
    ["gohper://h/", "unknown scheme 'gohper:'", "did you mean gopher:?"],
    ["imapss://h/", "unknown scheme 'imapss:'", "did you mean imaps:?"],
    ["xmpp://h/", "unknown scheme 'xmpp:'", undefined],
    ["javascript:alert(1)", "unknown scheme 'javascript:'", "`porthole protocols` lists those there are"],
    ["mailto:me@example.org", "unknown scheme 'mailto:'", undefined],
    ["constructor://h/", "unknown scheme 'constructor:'", "`porthole protocols` lists those there are"],
    ["C:\\Users", "unknown scheme 'c:'", undefined],
    ["me:hunter2@example.org", "unknown scheme 'me:'", undefined],
  ])("that is not known is refused with the nearest: %s", (text, message, hint) => {
    expect(() => resolve(text)).toThrow(refusal(message, hint));
  });
});

describe("a short form", () => {
  it.each([
    ["example.org", "https://example.org"],
    ["example.org/x?y=1#z", "https://example.org/x?y=1#z"],
    ["example.org:8443/x", "https://example.org:8443/x"],
    ["me@example.org/x", "https://me@example.org/x"],
    ["bücher.example", "https://xn--bcher-kva.example"],
    ["192.0.2.1/x", "https://192.0.2.1/x"],
    ["[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"],
    ["localhost", "http://localhost"],
    ["localhost:8080/x", "http://localhost:8080/x"],
    ["LOCALHOST:8080/x", "http://localhost:8080/x"],
    ["me@localhost:8080/x", "http://me@localhost:8080/x"],
    ["127.0.0.1:8080/x", "http://127.0.0.1:8080/x"],
    ["127.1.2.3", "http://127.1.2.3"],
    ["[::1]:8080/x", "http://[::1]:8080/x"],
    [":8080", "http://localhost:8080"],
    [":8080/x", "http://localhost:8080/x"],
    [":8080?x", "http://localhost:8080?x"],
    // Another machine's name must not lose its TLS.
    ["localhost.example.org", "https://localhost.example.org"],
    ["127.example.org", "https://127.example.org"],
    ["example.org@localhost.example", "https://example.org@localhost.example"],
    ["localhost@example.org", "https://localhost@example.org"],
    ["./a b", "file:./a%20b"],
    ["../x", "file:../x"],
    [".", "file:."],
    ["..", "file:.."],
    ["/etc/motd", "file:/etc/motd"],
    ["//etc/motd", "file:/etc/motd"],
    ["/a?b#c%d", "file:/a%3Fb%23c%25d"],
    ["/ä", "file:/%C3%A4"],
    ["~/x", "file:~/x"],
    ["@work", "imaps://me@mail.example.org"],
    ["@work/", "imaps://me@mail.example.org"],
    ["@work/INBOX", "imaps://me@mail.example.org/INBOX"],
    ["@work?x", "imaps://me@mail.example.org?x"],
    ["@deep/Sent", "imaps://me@mail.example.org/INBOX/Sent"],
  ])("%s is %s", (text, full) => {
    const target = resolve(text);
    expect(target.href(target.path)).toBe(full.replace(/#.*/, ""));
    const { hash } = new URL(full);
    expect(target.url.fragment ?? "").toBe(hash.slice(1));
  });

  it.each([
    ["", "the URL is empty", undefined],
    [
      "@home/x",
      "there is no account 'home' in the configuration",
      "`porthole config` shows the file and the accounts in it",
    ],
    ["@", "there is no account '' in the configuration", undefined],
    [":80a", "'https://:80a' has no readable host and port", undefined],
    [":99999", "port 99999 in 'http://localhost:99999' is beyond 65535", undefined],
    ["a b", "'a b' is not a host name", undefined],
    ["example.org:8080x", "unknown scheme 'example.org:'", undefined],
    ["/a\nb", "the URL holds a line break or a NUL, which is never sent", undefined],
    ["./a\0b", "the URL holds a line break or a NUL, which is never sent", undefined],
    ["example.org/\r\nX", "the URL holds a line break or a NUL, which is never sent", undefined],
  ])("%j is refused", (text, message, hint) => {
    expect(() => resolve(text)).toThrow(refusal(message, hint));
  });
});

describe("a target", () => {
  it.each(["http:///x", "http:x", "ftp://me:hunter2@/x", "imaps:", "tcp:", "tcp://", "udp:///"])(
    "without a host is refused: %s",
    (text) => {
      expect(() => resolve(text)).toThrow(expect.objectContaining({ code: "usage" }));
      expect(() => resolve(text)).toThrow(/names no host/);
      expect(() => resolve(text)).not.toThrow(/hunter2/);
    },
  );

  it("gives the URL of another place there, without password, fragment and the usual port", () => {
    const target = resolve("ftp://me:pw@ftp.example.org:21/pub#x");
    expect(target.href("/pub/a%20b")).toBe("ftp://me@ftp.example.org/pub/a%20b");
    expect(target.href("pub")).toBe("ftp://me@ftp.example.org/pub");
    expect(resolve("ftp://ftp.example.org:2121").href("/")).toBe("ftp://ftp.example.org:2121/");
    expect(resolve("http://[::1]:80/").href("/x")).toBe("http://[::1]/x");
  });

  it("keeps the path as it was written", () => {
    expect(resolve("http://h/a/../b%2f?x=1").path).toBe("/a/../b%2f?x=1");
  });
});

describe("a URL without a host, of a scheme with a usual server", () => {
  const at = (text: string, server?: string) =>
    resolveTarget(text, registry, undefined, (protocol, usual) => {
      expect([protocol, usual.option, usual.environment]).toEqual(["nntp", "news-server", "NNTPSERVER"]);
      return server;
    });

  it.each([
    ["news:comp.lang.c", "news://news.example.org/comp.lang.c"],
    ["news:comp.*", "news://news.example.org/comp.*"],
    ["news:1@x.example", "news://news.example.org/1@x.example"],
    ["news:%3C1@x.example%3E", "news://news.example.org/%3C1@x.example%3E"],
    ["news:", "news://news.example.org/"],
    ["news:/comp.lang.c", "news://news.example.org/comp.lang.c"],
    ["news:///comp.lang.c", "news://news.example.org/comp.lang.c"],
  ])("%s is at that server", (text, href) => {
    const target = at(text, "news.example.org");
    expect(target).toMatchObject({ protocol: "nntp", host: "news.example.org", port: 119, tls: "upgrade" });
    expect(target.href(target.path)).toBe(href);
  });

  it.each([
    ["news.example.org:8119", { host: "news.example.org", port: 8119, tls: "upgrade" }],
    ["[::1]:8119", { host: "::1", port: 8119 }],
    ["nntps://ann@news.example.org", { host: "news.example.org", port: 563, tls: "always" }],
    ["nntps://ann:secret@news.example.org/", { url: { user: "ann", password: "secret" } }],
  ])("which may be set as %s", (server, expected) => {
    expect(at("news:comp.lang.c", server)).toMatchObject({ ...expected, path: "/comp.lang.c" });
  });

  it("leaves a host that is named", () => {
    expect(at("news://other.example/comp.lang.c", "news.example.org")).toMatchObject({
      host: "other.example",
    });
  });

  it.each([undefined, ""])("is refused when it is set to %j, and says where it is set", (server) => {
    expect(() => at("news:1@x.example", server)).toThrow(
      refusal(
        "news:1@x.example names no host, and no usual server is set",
        "--news-server HOST, news-server in the configuration or NNTPSERVER in the environment sets it",
      ),
    );
  });

  it.each(["/etc/news", "nntp:///x", "a\r\nb"])("refuses %j for a server", (server) => {
    expect(() => at("news:comp.lang.c", server)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});
