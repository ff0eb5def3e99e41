import { describe, expect, it } from "vitest";
import { commandLine } from "../../src/wire/command.js";

describe("commandLine", () => {
  it("joins words by spaces and ends with CRLF", () => {
    expect(commandLine("QUIT").toString()).toBe("QUIT\r\n");
    expect(commandLine("RETR", 3).toString()).toBe("RETR 3\r\n");
    expect(commandLine("OVER", "1-100").toString()).toBe("OVER 1-100\r\n");
    expect(commandLine("AUTHINFO", "PASS", "two words").toString()).toBe("AUTHINFO PASS two words\r\n");
    expect(commandLine("AUTH", "PLAIN", "").toString()).toBe("AUTH PLAIN \r\n");
  });

  it("sends text as UTF-8 and octets as they are", () => {
    expect(commandLine("GROUP", "de.prüfung")).toEqual(Buffer.from("GROUP de.prüfung\r\n", "utf8"));
    expect(commandLine("CWD", Buffer.from([0xfc, 0x20]))).toEqual(Buffer.from("CWD \xfc \r\n", "latin1"));
  });

  it("refuses what would begin a second command", () => {
    for (const smuggled of [
      "1\r\nDELE 1",
      "1\nDELE 1",
      "1\rDELE 1",
      "a\0b",
      "\n",
      Buffer.from("1\r\nDELE 1"),
    ]) {
      expect(() => commandLine("RETR", 1, smuggled)).toThrow(
        expect.objectContaining({
          code: "usage",
          message: "an argument of RETR holds a line break or a NUL, which is never sent",
        }),
      );
    }
    expect(() => commandLine("RETR 1\r\nDELE", 1)).toThrow(
      expect.objectContaining({
        code: "usage",
        message: expect.stringContaining("an argument of RETR 1 holds"),
      }),
    );
  });

  it("does not repeat the argument, which may be a password", () => {
    expect(() => commandLine("PASS", "secret\r\nX")).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("secret") }),
    );
  });

  it("refuses a command without a name", () => {
    expect(() => commandLine("")).toThrow(expect.objectContaining({ code: "usage" }));
  });
});
