import { describe, expect, it } from "vitest";
import { type SaslMechanism, sharedMechanisms } from "../../src/auth/sasl.js";
import { scram } from "../../src/auth/scram.js";
import type { Credentials } from "../../src/plugin.js";

const SERVER = { host: "server.example.com", port: 143 };
const SAFE = { secure: true, channelBinding: Buffer.from("the channel") };

function mechanism(name: string): SaslMechanism {
  const [found] = sharedMechanisms([name], SAFE, name);
  if (found === undefined) throw new Error(`${name} is not known`);
  return found;
}

function as(user: string, password: string, kind: Credentials["kind"] = "password"): Credentials {
  return { user, password, kind };
}

function text(octets: Buffer | undefined): string | undefined {
  return octets?.toString("utf8");
}

describe("PLAIN", () => {
  it("says all at once (RFC 4616, 4)", () => {
    const login = mechanism("PLAIN").begin(as("tim", "tanstaaftanstaaf"), SERVER);
    expect(text(login.initial)).toBe("\0tim\0tanstaaftanstaaf");
    expect(login.respond(Buffer.from("what else?"))).toBeUndefined();
  });

  it("is UTF-8", () => {
    const login = mechanism("PLAIN").begin(as("jürgen", "ключ"), SERVER);
    expect(text(login.initial)).toBe("\0jürgen\0ключ");
  });
});

describe("LOGIN", () => {
  it("answers two prompts, whatever they say", () => {
    const login = mechanism("LOGIN").begin(as("tim", "secret"), SERVER);
    expect(login.initial).toBeUndefined();
    expect(text(login.respond(Buffer.from("Benutzer")))).toBe("tim");
    expect(text(login.respond(Buffer.from("")))).toBe("secret");
    expect(login.respond(Buffer.from("more"))).toBeUndefined();
  });
});

describe("CRAM-MD5", () => {
  it("answers the challenge of RFC 2195, 2", () => {
    const login = mechanism("CRAM-MD5").begin(as("tim", "tanstaaftanstaaf"), SERVER);
    const challenge = Buffer.from("<1896.697170952@postoffice.reston.mci.net>");
    expect(text(login.respond(challenge))).toBe("tim b913a602c7eda7a495b4e6e7334d3890");
    expect(login.respond(challenge)).toBeUndefined();
  });
});

describe("OAUTHBEARER", () => {
  it("says what RFC 7628, 4.1 shows", () => {
    const login = mechanism("OAUTHBEARER").begin(
      as("user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", "token"),
      SERVER,
    );
    expect(login.initial?.toString("base64")).toBe(
      "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
    );
    // RFC 7628, 4.3: an error is acknowledged once.
    expect(login.respond(Buffer.from('{"status":"invalid_token"}'))?.toString("base64")).toBe("AQ==");
    expect(login.respond(Buffer.alloc(0))).toBeUndefined();
  });

  it("writes a comma in a name as RFC 5801 wants it", () => {
    const login = mechanism("OAUTHBEARER").begin(as("a,b=c", "t", "token"), SERVER);
    expect(text(login.initial)).toMatch(/^n,a=a=2Cb=3Dc,\x01/);
  });
});

describe("XOAUTH2", () => {
  it("says user and token, and asks for the reply when it is refused", () => {
    const login = mechanism("XOAUTH2").begin(as("someuser@example.com", "ya29.vF9", "token"), SERVER);
    expect(text(login.initial)).toBe("user=someuser@example.com\x01auth=Bearer ya29.vF9\x01\x01");
    expect(text(login.respond(Buffer.from("{}")))).toBe("");
    expect(login.respond(Buffer.from("{}"))).toBeUndefined();
  });
});

describe("EXTERNAL", () => {
  it("says whom to act as, or nobody (RFC 4422, appendix A)", () => {
    expect(text(mechanism("EXTERNAL").begin(as("fred@example.com", ""), SERVER).initial)).toBe(
      "fred@example.com",
    );
    expect(text(mechanism("EXTERNAL").begin(as("", ""), SERVER).initial)).toBe("");
  });

  it("is used only when it is wanted", () => {
    expect(sharedMechanisms(["EXTERNAL", "PLAIN"], SAFE, undefined).map(({ name }) => name)).toEqual([
      "PLAIN",
    ]);
    expect(sharedMechanisms(["EXTERNAL", "PLAIN"], SAFE, "EXTERNAL").map(({ name }) => name)).toEqual([
      "EXTERNAL",
    ]);
    expect(sharedMechanisms(["PLAIN"], SAFE, "EXTERNAL")).toEqual([]);
  });
});

describe("SCRAM", () => {
  const USER = as("user", "pencil");
  const SHA_1 = {
    nonce: "fyko+d2lbbFgONRv9qkxdawL",
    challenge: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    proof: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    final: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
  };
  const SHA_256 = {
    nonce: "rOprNGfwEbeRWgbNEkqO",
    challenge: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    proof:
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    final: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
  };

  it.each([
    { hash: "sha1", ...SHA_1 },
    { hash: "sha256", ...SHA_256 },
  ] as const)(
    "with $hash says what RFC 5802, 5 and RFC 7677, 3 show",
    ({ hash, nonce, challenge, proof, final }) => {
      const login = scram(hash, USER, nonce);
      expect(text(login.initial)).toBe(`n,,n=user,r=${nonce}`);
      expect(text(login.respond(Buffer.from(challenge)))).toBe(proof);
      expect(text(login.respond(Buffer.from(final)))).toBe("");
      expect(login.verify?.()).toBeUndefined();
      expect(login.respond(Buffer.from("more"))).toBeUndefined();
    },
  );

  it("takes the server's proof with its success, too", () => {
    const login = scram("sha1", USER, SHA_1.nonce);
    login.respond(Buffer.from(SHA_1.challenge));
    expect(login.verify?.(Buffer.from(SHA_1.final))).toBeUndefined();
  });

  it("is not done when the server proves nothing, whatever it says", () => {
    const login = scram("sha1", USER, SHA_1.nonce);
    login.respond(Buffer.from(SHA_1.challenge));
    expect(() => login.verify?.()).toThrow(
      expect.objectContaining({
        code: "auth",
        message: "the server did not prove that it knows the password",
      }),
    );
    expect(() => scram("sha1", USER, SHA_1.nonce).verify?.()).toThrow("did not prove");
  });

  it.each(["v=smF9pqV8S7suAoZWja4dJRkFsKQ=", "v=", "", "rmF9pqV8S7suAoZWja4dJRkFsKQ="])(
    "refuses a wrong proof: %s",
    (final) => {
      const login = scram("sha1", USER, SHA_1.nonce);
      login.respond(Buffer.from(SHA_1.challenge));
      expect(() => login.respond(Buffer.from(final))).toThrow("did not prove");
    },
  );

  it("tells what a server says that refuses (RFC 5802, 5.1)", () => {
    const login = scram("sha1", USER, SHA_1.nonce);
    login.respond(Buffer.from(SHA_1.challenge));
    expect(() => login.respond(Buffer.from("e=unknown-user"))).toThrow(
      expect.objectContaining({ code: "auth", reply: "unknown-user" }),
    );
  });

  it.each([
    ["another nonce", "r=other,s=QSXCR+Q6sek8bf92,i=4096"],
    ["our nonce and nothing of its own", `r=${SHA_1.nonce},s=QSXCR+Q6sek8bf92,i=4096`],
    ["no salt", `r=${SHA_1.nonce}x,i=4096`],
    ["no rounds", `r=${SHA_1.nonce}x,s=QSXCR+Q6sek8bf92,i=0`],
    ["an extension that must be known", `m=x,r=${SHA_1.nonce}x,s=QSXCR+Q6sek8bf92,i=4096`],
    ["nonsense", "hello"],
  ])("refuses a challenge with %s", (_what, challenge) => {
    const login = scram("sha1", USER, SHA_1.nonce);
    expect(() => login.respond(Buffer.from(challenge))).toThrow(
      expect.objectContaining({ code: "protocol" }),
    );
  });

  it("does not work for minutes because a server says so", () => {
    const login = scram("sha1", USER, SHA_1.nonce);
    const challenge = Buffer.from(`r=${SHA_1.nonce}x,s=QSXCR+Q6sek8bf92,i=999999999`);
    expect(() => login.respond(challenge)).toThrow("above the bound of 2000000");
  });

  it("makes a new nonce each time, and writes names as RFC 5802, 5.1 wants them", () => {
    const first = text(mechanism("SCRAM-SHA-256").begin(as("a,b=c", "x"), SERVER).initial);
    const second = text(mechanism("SCRAM-SHA-256").begin(as("a,b=c", "x"), SERVER).initial);
    expect(first).toMatch(/^n,,n=a=2Cb=3Dc,r=[\x21-\x2b\x2d-\x7e]{20,}$/);
    expect(second).not.toBe(first);
  });

  it("takes a name and a password in their compatible form (RFC 4013)", () => {
    expect(text(scram("sha1", as("Ⅸ\u00a0x", "p"), "n").initial)).toBe("n,,n=IX x,r=n");
  });
});

describe("what both sides know", () => {
  const ALL = [
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "XOAUTH2",
    "OAUTHBEARER",
    "GSSAPI",
  ];

  it("hides the password first where others can listen", () => {
    expect(sharedMechanisms(ALL, { secure: false }, undefined).map(({ name }) => name)).toEqual([
      "SCRAM-SHA-256",
      "SCRAM-SHA-1",
      "CRAM-MD5",
      "OAUTHBEARER",
      "XOAUTH2",
      "PLAIN",
      "LOGIN",
    ]);
  });

  it("leaves the server its own way to keep passwords where nobody can", () => {
    expect(sharedMechanisms(ALL, SAFE, undefined).map(({ name }) => name)).toEqual([
      "OAUTHBEARER",
      "XOAUTH2",
      "PLAIN",
      "LOGIN",
      "SCRAM-SHA-256",
      "SCRAM-SHA-1",
      "CRAM-MD5",
    ]);
  });
});
