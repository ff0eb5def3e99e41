/** Cancel-Lock and Cancel-Key (RFC 8315). */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cancelKey, cancelLock, lockedBy } from "../../protocols/nntp/cancel-lock.js";
import { readCancelSecret } from "../../protocols/nntp/cancel-secret.js";
import { compose, type Draft } from "../../protocols/nntp/draft.js";
import { parseHeader } from "../../src/message/headers.js";
import { command, failure, inHarbour, read } from "./talk.js";

const SECRET = "ExampleSecret";
const ID = "<12345@mid.example>";
/** RFC 8315, 5.1 and 5.2. */
const KEY = "sha256:qv1VXHYiCGjkX/N1nhfYKcAeUn8bCVhrWhoKuBSnpMA=";
const LOCK = "sha256:s/pmK/3grrz++29ce2/mQydzJuc7iqHn1nqcJiQTPMc=";

describe("a lock and its key", () => {
  it("are those of RFC 8315, 5", () => {
    expect(cancelKey(SECRET, ID)).toBe(KEY);
    expect(cancelLock(SECRET, ID)).toBe(LOCK);
  });

  it.each([
    ["own", `Cancel-Lock: ${LOCK}`],
    ["own", `Cancel-Lock: sha1:bNXHc6ohSmeHaRHHW56BIWZJt+4=\r\n SHA256:${LOCK.slice("sha256:".length)}`],
    ["other", "Cancel-Lock: sha256:RrKLp7YCQc9T8HmgSbxwIDlnCDWsgy1awqtiDuhedRo="],
    ["other", `Cancel-Lock: sha512:${LOCK.slice("sha256:".length)}`],
    ["unlocked", "Subject: x"],
    ["unlocked", "Cancel-Lock:"],
  ])("is told: %s, of %s", (expected, field) => {
    expect(lockedBy(parseHeader(`From: a@x.example\r\n${field}\r\n\r\n`), SECRET, ID)).toBe(expected);
  });
});

describe("an article", () => {
  const DRAFT: Draft = {
    from: "ann@x.example",
    subject: "Hello",
    groups: ["misc.test"],
    text: "Hello\n",
    headers: [{ name: "Message-ID", value: ID }],
    cancelSecret: SECRET,
  };

  function fields(change: Partial<Draft>): Record<string, string | undefined> {
    const header = parseHeader(compose({ ...DRAFT, ...change }).octets);
    return { lock: header.raw("cancel-lock"), key: header.raw("cancel-key"), control: header.raw("control") };
  }

  it("gets a lock where there is a secret, and none where there is not", () => {
    expect(fields({})).toEqual({ lock: LOCK, key: undefined, control: undefined });
    expect(fields({ cancelSecret: undefined })).toEqual({
      lock: undefined,
      key: undefined,
      control: undefined,
    });
  });

  it("that supersedes has the key of the other, and a lock of its own", () => {
    const headers = [{ name: "Message-ID", value: "<2@mid.example>" }];
    expect(fields({ headers, supersedes: ID })).toEqual({
      lock: cancelLock(SECRET, "<2@mid.example>"),
      key: KEY,
      control: undefined,
    });
  });

  it("that cancels has the key, and no lock: it is not taken back itself", () => {
    const headers = [{ name: "Message-ID", value: "<2@mid.example>" }];
    expect(fields({ headers, cancels: ID })).toEqual({ lock: undefined, key: KEY, control: `cancel ${ID}` });
  });

  it("keeps the lock that its author gives", () => {
    const headers = [...(DRAFT.headers ?? []), { name: "Cancel-Lock", value: "sha256:abc=" }];
    expect(fields({ headers }).lock).toBe("sha256:abc=");
  });
});

describe("the secret", () => {
  let folder: string;
  const warned: string[] = [];
  const warn = (text: string) => void warned.push(text);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "porthole-secret-"));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function file(name: string, content: string, mode = 0o600): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content);
    await chmod(path, mode);
    return path;
  }

  it("is the first line of the file", async () => {
    const path = await file("one", `${SECRET}\nmore\n`);
    expect(await readCancelSecret({ "cancel-secret": path }, warn)).toBe(SECRET);
    expect(warned).toEqual([]);
  });

  it("that others can read draws a warning", async () => {
    const path = await file("open", `${SECRET}\n`, 0o644);
    await readCancelSecret({ "cancel-secret": path }, warn);
    expect(warned).toEqual([`others can read the secret in ${path} - chmod 600 keeps it to yourself`]);
  });

  it("that was named must be there, and be one", async () => {
    const gone = readCancelSecret({ "cancel-secret": join(folder, "gone") }, warn);
    expect(await failure(gone)).toMatchObject({ code: "local", exit: 12 });
    const empty = readCancelSecret({ "cancel-secret": await file("empty", "\n") }, warn);
    expect(await failure(empty)).toMatchObject({
      code: "local",
      message: expect.stringContaining("has no secret in its first line"),
    });
    const long = readCancelSecret({ "cancel-secret": await file("long", "x".repeat(70_000)) }, warn);
    expect(await failure(long)).toMatchObject({
      code: "local",
      message: expect.stringContaining("is larger than 65536 octets"),
    });
  });

  it("opens at the server what it locked, and nobody else's does", async () => {
    const mine = { "cancel-secret": await file("mine", "my own secret\n") };
    const theirs = { "cancel-secret": await file("theirs", "somebody else's\n") };
    const draft = {
      from: "The Keeper <keeper@harbour.example>",
      group: ["harbour.test"],
      text: "x\n",
      subject: "x",
    };
    const named = (name: string) => ({ header: [`Message-ID: <${name}@x.example>`] });
    await inHarbour(async ({ url, open }) => {
      const session = await open();
      const there = async (name: string) =>
        (await failure(read(session, `/%3C${name}@x.example%3E`))) === "no failure";
      await command("post", [url], {}, { ...draft, ...mine, ...named("1") });
      expect((await read(session, "/%3C1@x.example%3E")).toString()).toMatch(
        /\r\nCancel-Lock: sha256:\S{43}=\r\n/,
      );
      // The same author, and another secret: somebody wrote that name into From.
      await command("post", [url], {}, { ...theirs, cancel: "<1@x.example>" });
      expect(await there("1")).toBe(true);
      await command("post", [url], {}, { ...draft, ...mine, ...named("2"), supersedes: "<1@x.example>" });
      expect([await there("1"), await there("2")]).toEqual([false, true]);
      await command("post", [url], {}, { ...mine, cancel: "<2@x.example>" });
      expect(await there("2")).toBe(false);
    });
  });
});
