import { describe, expect, it } from "vitest";
import { numberPath, parsePath, uidPath } from "../../protocols/pop3/path.js";

describe("a path", () => {
  it.each(["", "/"])("names the maildrop: '%s'", (path) => {
    expect(parsePath(path)).toEqual({ what: "maildrop" });
  });

  it("names a message by its number", () => {
    expect(parsePath("/3")).toEqual({ what: "number", number: 3 });
    expect(parsePath(numberPath(120))).toEqual({ what: "number", number: 120 });
  });

  it.each(["abc", "whqtswO00WBw418f9t5JxYwZ", "d/f", "a b", "50%", "1:2;3?x=y&z#w", "UID:x", "\u00e4\u00ff"])(
    "names a message by its identifier, whatever that is made of: %s",
    (uid) => {
      const path = uidPath(uid);
      expect(path).toMatch(/^\/uid:[\x21-\x7e]+$/);
      expect(path.slice(1)).not.toMatch(/[/?#]/);
      expect(parsePath(path)).toEqual({ what: "uid", uid });
    },
  );

  it.each(["/0", "/-1", "/03", "/x", "/uid:", "/INBOX", "/1/2", "/9999999999", "/3?x"])(
    "names nothing: %s",
    (path) => {
      expect(() => parsePath(path)).toThrow(expect.objectContaining({ code: "usage", exit: 2 }));
    },
  );

  it.each(["/uid:a%0D%0ADELE%201", "/uid:a%0a", "/1%00", "/uid:%zz"])("hides nothing: %s", (path) => {
    expect(() => parsePath(path)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});
