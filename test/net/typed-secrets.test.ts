import { describe, expect, it } from "vitest";
import { TypedSecrets } from "../../src/net/typed-secrets.js";

const client = (text: string) => new TypedSecrets().cover("client", text);

describe("secrets that are typed into a raw socket", () => {
  it.each([
    ["PASS light house\r\n", "PASS [masked]\r\n"],
    ["USER keeper\r\nPASS light\r\nLIST\r\n", "USER keeper\r\nPASS [masked]\r\nLIST\r\n"],
    ["APOP keeper c4c9334bac560ecc979e58001b3e22fb\n", "APOP keeper [masked]\n"],
    ["AUTHINFO PASS light\r\n", "AUTHINFO PASS [masked]\r\n"],
    ["AUTH PLAIN AGtlZXBlcgBsaWdodA==\r\n", "AUTH PLAIN [masked]\r\n"],
    ['a1 LOGIN "kee per" "li\\"ght"\r\n', 'a1 LOGIN "kee per" [masked]\r\n'],
    ["a2 login keeper light\r\n", "a2 login keeper [masked]\r\n"],
    ["a3 AUTHENTICATE PLAIN AGtlZXBlcgBsaWdodA==\r\n", "a3 AUTHENTICATE PLAIN [masked]\r\n"],
    ["GET / HTTP/1.1\r\nAuthorization: Basic a2V5\r\n", "GET / HTTP/1.1\r\nAuthorization: [masked]\r\n"],
    ["Cookie: session=light\r\n", "Cookie: [masked]\r\n"],
  ])("hides them: %j", (said, shown) => {
    expect(client(said)).toBe(shown);
  });

  it.each([
    "PASSIVE\r\n",
    "the LOGIN failed\r\n",
    "PASS\r\n",
    "AUTH PLAIN\r\n",
    "a1 AUTHENTICATE PLAIN\r\n",
    "GET /login HTTP/1.1\r\n",
  ])("leaves what is none: %j", (said) => {
    expect(client(said)).toBe(said);
  });

  it("hides the one line that answers a question", () => {
    for (const question of ["Password: ", "334 UGFzc3dvcmQ6\r\n", "+ \r\n", "Enter passphrase for key: "]) {
      const secrets = new TypedSecrets();
      expect(secrets.cover("server", question)).toBe(question);
      expect(secrets.cover("client", "light\r\nls\r\n")).toBe("[masked]\r\nls\r\n");
      expect(secrets.cover("client", "pwd\r\n")).toBe("pwd\r\n");
    }
  });

  it("is whoever's it is: a relay hears a client", () => {
    const secrets = new TypedSecrets();
    expect(secrets.cover("server", "PASS light\r\n")).toBe("PASS [masked]\r\n");
    secrets.cover("client", "Password: ");
    expect(secrets.cover("server", "light\n")).toBe("[masked]\n");
  });
});
