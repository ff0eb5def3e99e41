import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { script } from "../../fixtures/servers/scripted.js";
import { Digest, strongestDigest } from "../../src/net/http-digest.js";
import { challengesOf } from "../../src/wire/http-challenges.js";
import { answered, asked, sent, talk, textOf } from "./over-client.js";

function challenge(fields: string) {
  const [found] = challengesOf([["WWW-Authenticate", `Digest ${fields}`]]);
  if (found === undefined) throw new Error("no challenge");
  return found;
}

function field(header: string, name: string): string | undefined {
  return new RegExp(`(?:^|[ ,])${name}="?([^",]*)`).exec(header)?.[1];
}

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

describe("challenges", () => {
  it("are taken apart: schemes, tokens, parameters in quotes, over several headers", () => {
    const found = challengesOf([
      ["WWW-Authenticate", 'Negotiate, Basic realm="a, b=c", charset="UTF-8"'],
      ["Server", "x"],
      ["www-authenticate", 'NTLM TlRMTVNTUA==, Digest realm="q\\"q", nonce=abc, qop="auth,auth-int"'],
    ]);
    expect(found.map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])).toEqual([
      ["negotiate", {}],
      ["basic", { realm: "a, b=c", charset: "UTF-8" }],
      ["ntlm", {}],
      ["digest", { realm: 'q"q', nonce: "abc", qop: "auth,auth-int" }],
    ]);
  });

  it("that are malformed end the list, and take no time", () => {
    expect(challengesOf([["WWW-Authenticate", 'Basic realm="x", ="']])).toHaveLength(1);
    expect(challengesOf([["WWW-Authenticate", `Digest ${'a="'.repeat(20_000)}`]]).length).toBeLessThan(25);
  });

  it("the strongest digest counts, and none that is not known", () => {
    const all = challengesOf([
      ["WWW-Authenticate", 'Digest realm="r", nonce="1", algorithm=MD5'],
      ["WWW-Authenticate", 'Digest realm="r", nonce="2", algorithm=SHA-256'],
      ["WWW-Authenticate", 'Digest realm="r", nonce="3", algorithm=TIGER'],
    ]);
    expect(strongestDigest(all)?.parameters.get("nonce")).toBe("2");
    expect(strongestDigest(all.slice(2))).toBeUndefined();
  });
});

describe("a digest", () => {
  // RFC 7616, 3.9.1.
  const RFC =
    'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
  const CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

  it.each([
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
  ])("by %s, as the RFC's example has it", (algorithm, response) => {
    const digest = new Digest(challenge(`${RFC}, algorithm=${algorithm}`), "Mufasa", "Circle of Life");
    const header = digest.authorization({ method: "GET", uri: "/dir/index.html" }, CNONCE);
    expect(field(header, "response")).toBe(response);
    expect(header).toContain("nc=00000001");
    expect(header).toContain("qop=auth,");
    expect(field(header, "opaque")).toBe("FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS");
  });

  it("by SHA-512-256 with a hashed user name", () => {
    const digest = new Digest(
      challenge(
        'realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
      ),
      "Jäsøn Doe",
      "Secret, or not?",
    );
    const header = digest.authorization(
      { method: "GET", uri: "/doe.json" },
      "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm",
    );
    expect(header).toContain("userhash=true");
    expect(field(header, "username")).toBe(
      "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b",
    );
    const hash = (text: string) => createHash("sha512-256").update(text).digest("hex");
    const secret = hash("Jäsøn Doe:api@example.org:Secret, or not?");
    const fixed =
      "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK:00000001:NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm:auth";
    expect(field(header, "response")).toBe(hash(`${secret}:${fixed}:${hash("GET:/doe.json")}`));
  });

  it("as RFC 2069 had it, when the server names no quality", () => {
    const digest = new Digest(challenge('realm="r", nonce="n"'), "me", "pw");
    const header = digest.authorization({ method: "GET", uri: "/" });
    expect(field(header, "response")).toBe(md5(`${md5("me:r:pw")}:n:${md5("GET:/")}`));
    expect(header).not.toMatch(/qop|nc=|cnonce|algorithm/);
  });

  it("with -sess: the key is made of the first client nonce", () => {
    const digest = new Digest(challenge('realm="r", nonce="n", qop=auth, algorithm=MD5-sess'), "me", "pw");
    const key = md5(`${md5("me:r:pw")}:n:first`);
    const a2 = md5("GET:/");
    const first = digest.authorization({ method: "GET", uri: "/" }, "first");
    expect(field(first, "response")).toBe(md5(`${key}:n:00000001:first:auth:${a2}`));
    const second = digest.authorization({ method: "GET", uri: "/" }, "second");
    expect(field(second, "response")).toBe(md5(`${key}:n:00000002:first:auth:${a2}`));
  });

  it("with auth-int covers the body", () => {
    const digest = new Digest(challenge('realm="r", nonce="n", qop="auth-int"'), "me", "pw");
    const body = Buffer.from("hello");
    const header = digest.authorization({ method: "POST", uri: "/x", body }, "c");
    const a2 = md5(`POST:/x:${md5("hello")}`);
    expect(field(header, "response")).toBe(md5(`${md5("me:r:pw")}:n:00000001:c:auth-int:${a2}`));
    expect(() => digest.authorization({ method: "POST", uri: "/x" })).toThrow("which is streamed");
  });

  it("of names with quotes, colons and letters beyond ASCII", () => {
    const of = (user: string) =>
      new Digest(challenge('realm="r", nonce="n", qop=auth'), user, "pw").authorization({
        method: "GET",
        uri: "/",
      });
    expect(of('a"b\\c')).toContain('username="a\\"b\\\\c"');
    expect(of("a:b")).toContain('username="a:b"');
    expect(of("Jäsøn")).toContain("username*=UTF-8''J%C3%A4s%C3%B8n");
  });
});

describe("a login by digest", () => {
  const offer = (nonce: string, more = "") =>
    answered("401 Unauthorized", [`WWW-Authenticate: Digest realm="r", qop="auth", nonce="${nonce}"${more}`]);

  it("once the server asks; the count goes up, a stale nonce is replaced, nextnonce is heeded", async () => {
    await talk(
      asked()
        .and(offer("one"))
        .and(asked().and(answered("200 OK", [], "first")))
        .and(asked().and(offer("two", ", stale=TRUE")))
        .and(asked().and(answered("200 OK", ['Authentication-Info: nextnonce="three"'], "second")))
        .and(asked().and(answered("200 OK", [], "third")))
        .drain(),
      async (session, server) => {
        expect(await textOf(session, "/a")).toBe("first");
        expect(await textOf(session, "/b?c=d")).toBe("second");
        expect(await textOf(session, "/c")).toBe("third");
        const proofs = sent(server, "authorization");
        expect(
          proofs.map((proof) => [field(proof, "uri"), field(proof, "nonce"), field(proof, "nc")]),
        ).toEqual([
          ["/a", "one", "00000001"],
          ["/b?c=d", "one", "00000002"],
          ["/b?c=d", "two", "00000001"],
          ["/c", "three", "00000001"],
        ]);
        expect(server.received.toString()).not.toContain("pw");
      },
      { login: "me:pw" },
    );
  });

  it("that is refused ends with 7, without a third try", async () => {
    await talk(
      asked()
        .and(offer("one"))
        .and(asked().and(offer("two")))
        .drain(),
      async (session, server) => {
        await expect(textOf(session, "/")).rejects.toMatchObject({
          code: "auth",
          message: "the server refuses these credentials",
        });
        expect(sent(server, "authorization")).toHaveLength(1);
      },
      { login: "me:pw" },
    );
  });

  it("is preferred to Basic, and takes over from a Basic that went ahead where only it is offered", async () => {
    await talk(
      asked()
        .and(
          answered("401 Unauthorized", [
            'WWW-Authenticate: Basic realm="r"',
            'WWW-Authenticate: Digest realm="r", nonce="n"',
          ]),
        )
        .and(asked().and(answered("200 OK", [], "in")))
        .drain(),
      async (session, server) => {
        expect(await textOf(session, "/")).toBe("in");
        expect(sent(server, "authorization")[0]).toMatch(/^Digest /);
      },
      { login: "me:pw" },
    );
    await talk(
      asked()
        .and(offer("one"))
        .and(asked().and(answered("200 OK", [], "in")))
        .drain(),
      async (session, server) => {
        expect(await textOf(session, "/")).toBe("in");
        expect(sent(server, "authorization").map((one) => one.split(" ")[0])).toEqual(["Basic", "Digest"]);
      },
      { login: "me:pw", policy: { authMechanism: undefined }, options: { user: "me" } },
    );
  });
});

describe("credentials that the user gave", () => {
  const OPEN = () => asked().and(answered("200 OK", [], "in"));

  it("go out with the first request, by Basic", async () => {
    await talk(
      OPEN().and(OPEN()).drain(),
      async (session, server) => {
        expect(await textOf(session, "/a")).toBe("in");
        expect(await textOf(session, "/b")).toBe("in");
        expect(sent(server, "authorization")).toEqual(["Basic bWU6cHc=", "Basic bWU6cHc="]);
        expect(server.connections).toHaveLength(1);
      },
      { login: "me:pw", options: { user: "me:pw" } },
    );
  });

  it("but not ahead where --auth DIGEST is wanted, nor in clear beyond this machine", async () => {
    await talk(
      OPEN().drain(),
      async (session, server) => {
        expect(await textOf(session, "/")).toBe("in");
        expect(sent(server, "authorization")).toEqual([]);
      },
      { login: "me:pw", options: { user: "me:pw" }, policy: { authMechanism: "DIGEST" } },
    );
  });

  it("as a token by Bearer", async () => {
    await talk(
      OPEN().drain(),
      async (session, server) => {
        expect(await textOf(session, "/")).toBe("in");
        expect(sent(server, "authorization")).toEqual(["Bearer abc"]);
      },
      {
        credentials: async () => ({ user: "me", password: "abc", kind: "token" }),
        policy: { authMechanism: "BEARER" },
      },
    );
  });

  it("and are refused: exit 7, and not sent twice", async () => {
    await talk(
      script()
        .and(asked())
        .and(answered("401 Unauthorized", ['WWW-Authenticate: Basic realm="r"']))
        .drain(),
      async (session, server) => {
        await expect(textOf(session, "/")).rejects.toMatchObject({ code: "auth" });
        expect(sent(server, "authorization")).toHaveLength(1);
      },
      { login: "me:pw", options: { user: "me:pw" } },
    );
  });
});
