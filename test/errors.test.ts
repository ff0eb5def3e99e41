import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import {
  abortReason,
  EXIT_STATUS,
  isAbort,
  isLocalFailure,
  localError,
  messageOf,
  PortholeError,
  systemCode,
} from "../src/errors.js";
import { connectionError } from "../src/net/failures.js";

describe("exit statuses", () => {
  it("are the ones that scripts rely on", () => {
    expect(EXIT_STATUS).toEqual({
      other: 1,
      usage: 2,
      resolve: 3,
      connect: 4,
      tls: 5,
      timeout: 6,
      auth: 7,
      missing: 8,
      refused: 9,
      busy: 10,
      protocol: 11,
      local: 12,
      partial: 13,
      aborted: 130,
    });
  });
});

describe("a PortholeError", () => {
  it("is an Error with a code, an exit status, and what else is known", () => {
    const cause = new Error("beneath");
    const error = new PortholeError("missing", "no such file", {
      protocol: "ftp",
      reply: "550 No such file",
      hint: "list the folder",
      url: "ftp://h/x",
      cause,
    });
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.exit, error.message, error.cause]).toEqual([
      "PortholeError",
      "missing",
      8,
      "no such file",
      cause,
    ]);
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: "missing",
      exit: 8,
      protocol: "ftp",
      message: "no such file",
      reply: "550 No such file",
      hint: "list the folder",
      url: "ftp://h/x",
    });
  });

  it("leaves out what is not known", () => {
    const error = new PortholeError("other", "strange");
    expect(JSON.parse(JSON.stringify(error))).toEqual({ code: "other", exit: 1, message: "strange" });
    expect("cause" in error).toBe(false);
  });
});

describe("the reason of an AbortSignal", () => {
  it("is kept when it is a PortholeError", () => {
    const reason = new PortholeError("timeout", "--max-time is over");
    expect(abortReason(AbortSignal.abort(reason))).toBe(reason);
  });

  it("is a time-out for AbortSignal.timeout", async () => {
    const signal = AbortSignal.timeout(1);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    expect(abortReason(signal)).toMatchObject({ code: "timeout", message: "the time allowed is over" });
  });

  it("is an abort for all else", () => {
    for (const reason of [undefined, new Error("x"), "words", 1]) {
      expect(abortReason(AbortSignal.abort(reason))).toMatchObject({ code: "aborted", exit: 130 });
    }
  });

  it("is known again when something throws it", () => {
    expect(isAbort(AbortSignal.abort().reason)).toBe(true);
    expect(isAbort(new Error("x"))).toBe(false);
    expect(isAbort("AbortError")).toBe(false);
  });
});

describe("anything thrown", () => {
  it("has a message and perhaps a code", () => {
    expect([messageOf(new Error("x")), messageOf("y"), messageOf(undefined), messageOf(null)]).toEqual([
      "x",
      "y",
      "undefined",
      "null",
    ]);
    expect(systemCode(Object.assign(new Error("x"), { code: "ENOENT" }))).toBe("ENOENT");
    for (const thrown of [new Error("x"), { code: 5 }, null, undefined, "ENOENT"]) {
      expect(systemCode(thrown)).toBeUndefined();
    }
  });
});

describe("a failure of the file system", () => {
  it("is said in plain words, with the path", async () => {
    const missing: unknown = await readFile("/nowhere/at/all").catch((thrown: unknown) => thrown);
    expect(isLocalFailure(missing)).toBe(true);
    expect(localError(missing, "x.txt")).toMatchObject({
      code: "local",
      exit: 12,
      message: "x.txt: no such file or folder",
      cause: missing,
    });
    const folder: unknown = await readFile("/").catch((thrown: unknown) => thrown);
    expect(localError(folder).message).toBe("is a folder");
  });

  it("passes PortholeErrors, and keeps the words of codes it does not know", () => {
    const own = new PortholeError("timeout", "late");
    expect(localError(own, "x")).toBe(own);
    const strange = Object.assign(new Error("ELOOP: too many links"), { code: "ELOOP", syscall: "open" });
    expect(localError(strange, "x").message).toBe("x: ELOOP: too many links");
    expect(isLocalFailure(strange)).toBe(false);
  });

  it.each(["connect", "bind", "listen", "getaddrinfo", "send"])("is none when %s raised it", (syscall) => {
    expect(isLocalFailure(Object.assign(new Error("x"), { code: "EACCES", syscall }))).toBe(false);
  });
});

describe("a failure of a connection", () => {
  const place = { host: "h.example", port: 25 };
  const failure = (code: string) =>
    connectionError(Object.assign(new Error(`${code} words`), { code }), place);

  it.each([
    ["ECONNREFUSED", "connect", "h.example:25: connection refused"],
    ["ECONNRESET", "connect", "h.example:25: the connection was reset by the other side"],
    ["EPIPE", "connect", "h.example:25: the connection was closed by the other side"],
    ["ERR_STREAM_DESTROYED", "connect", "h.example:25: the connection was closed by the other side"],
    ["ERR_STREAM_PREMATURE_CLOSE", "connect", "h.example:25: the connection was closed by the other side"],
    ["EHOSTUNREACH", "connect", "h.example:25: no route to the host"],
    ["ENETUNREACH", "connect", "h.example:25: the network is unreachable"],
    ["EACCES", "connect", "h.example:25: not allowed to connect there"],
    ["EADDRINUSE", "connect", "h.example:25: the local address is in use"],
    ["EMSGSIZE", "connect", "h.example:25: the datagram is too large"],
    ["ETIMEDOUT", "timeout", "h.example:25: the connection timed out"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls", "h.example:25: TLS failed: ERR_SSL_WRONG_VERSION_NUMBER words"],
    ["ESTRANGE", "connect", "h.example:25: ESTRANGE words"],
  ])("%s is %s: %s", (code, kind, message) => {
    expect(failure(code)).toMatchObject({ code: kind, message });
  });

  it("names IPv6 addresses in brackets, and Unix sockets without a port", () => {
    const refused = Object.assign(new Error("x"), { code: "ECONNREFUSED" });
    expect(connectionError(refused, { host: "::1", port: 25 }).message).toBe("[::1]:25: connection refused");
    expect(connectionError(refused, { host: "/run/x.sock", port: 0 }).message).toBe(
      "/run/x.sock: connection refused",
    );
  });

  it("keeps PortholeErrors, and is an abort when the signal said so", () => {
    const own = new PortholeError("protocol", "garbage");
    expect(connectionError(own, place)).toBe(own);
    expect(connectionError(AbortSignal.abort().reason, place).code).toBe("aborted");
    expect(connectionError("words", place)).toMatchObject({
      code: "connect",
      message: "h.example:25: words",
    });
  });
});
