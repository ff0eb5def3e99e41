import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { conversation, type ScriptedServer, script, scripted } from "../../fixtures/servers/scripted.js";
import { check } from "../../src/checking.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Session } from "../../src/plugin.js";
import { type CheckResult, checkTarget } from "../../src/verbs/check.js";
import type { CheckManyLimits } from "../../src/verbs/check-many.js";
import {
  checkJson,
  exitStatusOf,
  nagiosReport,
  prometheusReport,
  reportsOf,
} from "../../src/verbs/check-report.js";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["http", "ftp", "smtp", "gopher"] });
});
afterAll(async () => {
  await sandbox.close();
});

async function checked(
  urls: readonly string[],
  settings: ClientSettings = {},
  limits: CheckManyLimits = {},
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const network = { tls: { caFile: sandbox.caFile }, ...settings.network };
  for await (const result of check(new Client({ ...settings, network }), urls, limits)) results.push(result);
  return results;
}

const shown = (results: readonly CheckResult[]) =>
  results.map(({ step, ok, grade }) => `${step} ${ok ? grade : "FAILED"}`);

const found = (results: readonly CheckResult[], step: CheckResult["step"]): CheckResult => {
  const result = results.find((candidate) => candidate.step === step);
  if (result === undefined) throw new Error(`there is no step ${step} in ${shown(results).join(", ")}`);
  return result;
};

/** A server that plays `play` on its first connection, and lets go of those that look again. */
const mailServer = (text: string): Promise<ScriptedServer> => scripted(conversation(text));

describe("a server that is well", () => {
  it("https: name, address, TLS and one question", async () => {
    const results = await checked([sandbox.url("https")]);
    expect(shown(results)).toEqual(["resolve ok", "connect ok", "tls ok", "roundtrip ok"]);
    expect(found(results, "tls").tls).toMatchObject({
      version: "1.3",
      authorized: true,
      name: "localhost",
      daysLeft: expect.any(Number),
      subject: "CN=Porthole sandbox (good)",
      issuer: "CN=Porthole sandbox authority",
    });
    expect(found(results, "connect").facts).toMatchObject({ address: expect.stringMatching(/^(?:127|::1)/) });
    expect(found(results, "roundtrip").detail).toMatch(/^HEAD: 200 OK/);
    expect(results.every(({ ms }) => ms >= 0 && ms < 10_000)).toBe(true);
    expect(exitStatusOf(results)).toBe(0);
  });

  it("ftp: greeting, features, an anonymous login, NOOP", async () => {
    const results = await checked([sandbox.url("ftps")]);
    expect(shown(results)).toEqual([
      ...["resolve ok", "connect ok", "tls ok", "greeting ok", "capabilities ok", "login ok", "roundtrip ok"],
    ]);
    expect(found(results, "login").detail).toBe("as anonymous");
    expect(found(results, "greeting").detail).toMatch(/^220 /);
  });

  it("smtp: with STARTTLS, which is tried even on loopback", async () => {
    const url = sandbox.url("smtp").replace("127.0.0.1", "localhost");
    const results = await checked([url.replace("smtp://", "smtp://porthole:sandbox@")]);
    expect(shown(results).filter((line) => !line.startsWith("capabilities"))).toEqual([
      ...["resolve ok", "connect ok", "tls ok", "greeting ok", "login ok", "roundtrip ok"],
    ]);
    expect(results.every(({ url: told }) => !told.includes("sandbox"))).toBe(true);
    expect(found(results, "capabilities").weaknesses.map(({ what }) => what)).not.toContain(
      expect.stringContaining("CVE-2011-0411"),
    );
  });

  it("gopher: one item", async () => {
    const results = await checked([sandbox.url("gophers")]);
    expect(shown(results)).toEqual(["resolve ok", "connect ok", "tls ok", "roundtrip ok"]);
  });
});

describe("a server that is not well", () => {
  it("refuses connections: the name is fine, the connection is not", async () => {
    const results = await checked(["ftp://127.0.0.1:1/"]);
    expect(shown(results)).toEqual(["resolve ok", "connect FAILED"]);
    expect(exitStatusOf(results)).toBe(4);
    expect(checkJson(found(results, "connect"))).toMatchObject({
      url: "ftp://127.0.0.1:1/",
      step: "connect",
      ok: false,
      error: { code: "connect", exit: 4 },
    });
  });

  it("has no name", async () => {
    const results = await checked(["https://nowhere.invalid/"]);
    expect(shown(results)).toEqual(["resolve FAILED"]);
    expect(exitStatusOf(results)).toBe(3);
  });

  it.each([
    ["expired", "CERT_HAS_EXPIRED", ["the certificate has expired"]],
    ["wrong-name", "ERR_TLS_CERT_ALTNAME_INVALID", []],
    ["self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT", []],
  ] as const)(
    "%s certificate: TLS fails, and the certificate is told all the same",
    async (kind, problem, more) => {
      await using server = await scripted(script().send("nothing\r\n"), { tls: await makeTlsMaterial(kind) });
      const results = await checked([server.url("gophers", "/1")]);
      expect(shown(results)).toEqual(["resolve ok", "connect ok", "tls FAILED"]);
      const tls = found(results, "tls");
      expect(tls.tls).toMatchObject({ authorized: false, problem, subject: `CN=Porthole sandbox (${kind})` });
      expect(tls.weaknesses.map(({ what }) => what)).toEqual([
        ...more,
        `the certificate is not to be trusted (${problem})`,
      ]);
      expect(exitStatusOf(results)).toBe(5);
    },
  );

  it("greets with a refusal", async () => {
    await using server = await mailServer("S: 554 go away");
    const results = await checked([server.url("smtp")]);
    expect(shown(results)).toEqual(["resolve ok", "connect ok", "greeting FAILED"]);
    expect(exitStatusOf(results)).toBe(9);
  });

  it("refuses the login", async () => {
    const url = sandbox.url("ftp").replace("ftp://", "ftp://porthole:wrong@");
    const results = await checked([url], { policy: { starttls: "never" } });
    expect(shown(results)).toEqual(["resolve ok", "connect ok", "login FAILED"]);
    expect(exitStatusOf(results)).toBe(7);
  });

  it("wants a login where none was given: that is no fault", async () => {
    await using server = await mailServer(`
      S: 220 ready
      C: AUTH TLS
      S: 502 no TLS
      C: USER anonymous
      S: 530 only members
    `);
    const results = await checked([server.url("ftp")]);
    expect(shown(results)).toEqual(["resolve ok", "connect ok", "greeting critical"]);
    expect(found(results, "greeting").weaknesses.map(({ what }) => what)).toEqual([
      "a login is asked for in clear",
    ]);
    expect(exitStatusOf(results)).toBe(0);
  });

  it("a page that wants a login: weak in clear, well over TLS, failed for the wrong one", async () => {
    const answer = script()
      .expectUntil("\r\n\r\n")
      .send('HTTP/1.1 401 Who?\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n');
    await using inClear = await scripted(answer);
    expect(shown(await checked([inClear.url("http", "/")]))).toEqual([
      ...["resolve ok", "connect ok", "roundtrip critical"],
    ]);
    await using secure = await scripted(answer, { tls: await makeTlsMaterial() });
    expect(shown(await checked([secure.url("https", "/")])).at(-1)).toBe("roundtrip ok");
    await using asked = await scripted(answer.and(answer));
    const results = await checked([asked.url("http", "/").replace("://", "://me:wrong@")]);
    expect(shown(results).at(-1)).toBe("login FAILED");
    expect(exitStatusOf(results)).toBe(7);
  });

  it("says nothing: the time for a target ends the wait, and the others are not held up", async () => {
    await using server = await scripted(script().pause(5000));
    const began = performance.now();
    const results = await checked([server.url("smtp"), sandbox.url("http")], {}, { timeout: 300 });
    expect(performance.now() - began).toBeLessThan(2500);
    expect(results.filter(({ ok }) => !ok).map(({ step, error }) => [step, error?.code])).toEqual([
      ["greeting", "timeout"],
    ]);
    expect(results.filter(({ protocol }) => protocol === "http").at(-1)).toMatchObject({
      step: "roundtrip",
      ok: true,
    });
  });

  it("breaks off in the middle", async () => {
    await using server = await mailServer(`
      S: 220 ready
      C~ ^EHLO .
      S: 250 hello
      C~ ^EHLO .
    `);
    const results = await checked([server.url("smtp")]);
    expect(shown(results)).toEqual(["resolve ok", "connect ok", "greeting ok", "roundtrip FAILED"]);
  });

  it("answers with a status: the exit is that of the failure", async () => {
    const results = await checked([`${sandbox.url("http")}lost.html`]);
    expect(shown(results)).toEqual(["resolve ok", "connect ok", "roundtrip FAILED"]);
    expect(exitStatusOf(results)).toBe(8);
  });
});

describe("weaknesses", () => {
  it("a login in clear and no STARTTLS", async () => {
    await using server = await mailServer(`
      S: 220 ready
      C~ ^EHLO .
      S: 250-hello
      S: 250 AUTH PLAIN LOGIN
      C~ ^EHLO .
      S: 250-hello
      S: 250 AUTH PLAIN LOGIN
      C: NOOP
      S: 250 ok
      C: QUIT
      S: 221 bye
    `);
    const results = await checked([server.url("smtp")]);
    expect(shown(results)).toEqual([
      "resolve ok",
      "connect ok",
      "greeting ok",
      "capabilities critical",
      "roundtrip ok",
    ]);
    expect(found(results, "capabilities").weaknesses.map(({ what }) => what)).toEqual([
      "a login that shows the password is offered in clear (AUTH PLAIN LOGIN)",
      "STARTTLS is not offered: mail and passwords go in clear",
    ]);
    // What is weak works: the steps are well.
    expect(exitStatusOf(results)).toBe(0);
  });

  it("commands that are injected before STARTTLS (CVE-2011-0411)", async () => {
    const tls = await makeTlsMaterial();
    const greeted = conversation(`
      S: 220 ready
      C~ ^EHLO .
      S: 250-hello
      S: 250 STARTTLS
      C: STARTTLS
    `);
    const proper = greeted
      .and(conversation("S: 220 go"))
      .startTls(tls)
      .and(
        conversation(`
          C~ ^EHLO .
          S: 250 hello
          C~ ^EHLO .
          S: 250 hello
          C: NOOP
          S: 250 ok
          C: QUIT
          S: 221 bye
        `),
      );
    // The server keeps what came in clear behind STARTTLS, and obeys it within TLS.
    const careless = greeted
      .and(conversation("C: NOOP\nS: 220 go"))
      .startTls(tls)
      .and(conversation("S: 250 injected\nC: XNOOP\nS: 502 what?"));
    const safe = greeted
      .and(conversation("C: NOOP\nS: 220 go"))
      .startTls(tls)
      .and(conversation("C: XNOOP\nS: 502 what?"));
    const named = async (probe: typeof careless) => {
      await using server = await scripted([proper, probe]);
      const results = await checked([server.url("smtp")]);
      expect(shown(results).at(-1)).toBe("roundtrip ok");
      return found(results, "capabilities").weaknesses.map(({ what }) => what);
    };
    expect(await named(careless)).toEqual([
      "commands sent in clear before STARTTLS are obeyed after it (CVE-2011-0411)",
    ]);
    expect(await named(safe)).toEqual([]);
  });

  it("the same at a news server", async () => {
    const tls = await makeTlsMaterial();
    const proper = conversation(`
      S: 200 ready
      C: CAPABILITIES
      S: 101 list
      S: VERSION 2
      S: READER
      S: STARTTLS
      S: .
      C: STARTTLS
      S: 382 go
    `)
      .startTls(tls)
      .and(
        conversation(`
          C: CAPABILITIES
          S: 101 list
          S: VERSION 2
          S: READER
          S: .
          C: DATE
          S: 111 20261101080000
          C: QUIT
          S: 205 bye
        `),
      );
    const asked = conversation("S: 200 ready\nC: STARTTLS\nC: DATE\nS: 382 go").startTls(tls);
    const careless = asked.and(conversation("S: 111 20261101080000\nC: XNOOP\nS: 500 what?"));
    const safe = asked.and(conversation("C: XNOOP\nS: 500 what?"));
    const named = async (probe: typeof careless) => {
      await using server = await scripted([proper, probe]);
      const results = await checked([server.url("nntp")]);
      expect(shown(results).at(-1)).toBe("roundtrip ok");
      return found(results, "capabilities").weaknesses.map(({ what }) => what);
    };
    expect(await named(careless)).toEqual([
      "commands sent in clear before STARTTLS are obeyed after it (CVE-2011-0411)",
    ]);
    expect(await named(safe)).toEqual([]);
  });

  it("the same at an FTP server", async () => {
    const tls = await makeTlsMaterial();
    const proper = conversation(`
      S: 220 ready
      C: AUTH TLS
      S: 234 go
    `)
      .startTls(tls)
      .and(
        conversation(`
          C: USER anonymous
          S: 230 welcome
          C: PBSZ 0
          C: PROT P
          S: 200 ok
          S: 200 ok
          C: FEAT
          S: 502 none
        `),
      )
      .and(conversation("C: NOOP\nS: 200 ok\nC: QUIT\nS: 221 bye"));
    const asked = conversation("S: 220 ready\nC: AUTH TLS\nC: USER nobody\nS: 234 go").startTls(tls);
    const careless = asked.and(conversation("S: 331 whose password?\nC: XNOOP\nS: 500 what?"));
    const safe = asked.and(conversation("C: XNOOP\nS: 500 what?"));
    const named = async (probe: typeof careless) => {
      await using server = await scripted([proper, probe]);
      const results = await checked([server.url("ftp")], { policy: { starttls: "require" } });
      if (shown(results).at(-1) !== "roundtrip ok") await server.done;
      expect(shown(results).at(-1)).toBe("roundtrip ok");
      return found(results, "capabilities").weaknesses.map(({ what }) => what);
    };
    expect(await named(careless)).toEqual([
      "commands sent in clear before AUTH TLS are obeyed after it (CVE-2011-0411)",
    ]);
    expect(await named(safe)).toEqual([]);
  });

  it("a certificate that expires soon, by the user's own measure", async () => {
    const soon = await checked([sandbox.url("gophers")], {}, { warnDays: 10_000 });
    expect(shown(soon)).toContain("tls warning");
    const late = await checked([sandbox.url("gophers")], {}, { criticalDays: 10_000 });
    expect(shown(late)).toContain("tls critical");
  });
});

describe("a session that is not what it should be", () => {
  const target = new Client().target("ftp://127.0.0.1/x");
  const steps = async (session: Session, timeout = 200): Promise<string[]> => {
    const door = { open: async () => session, addresses: async () => ["127.0.0.1"] };
    const results: CheckResult[] = [];
    for await (const result of checkTarget(target, door, { timeout })) results.push(result);
    return results.map(({ step, ok, error }) => `${step} ${ok ? "ok" : (error?.code ?? "")}`);
  };
  const ends = { [Symbol.asyncDispose]: async () => {} };

  it("has no steps of its own: any answer will do", async () => {
    const entry = { url: "x:/", name: "x", kind: "file", meta: {} } as const;
    expect(await steps({ stat: async () => entry, ...ends })).toEqual(["roundtrip ok"]);
    expect(await steps({ ...ends })).toEqual([]);
  });

  it("hangs, in a step or at the end", async () => {
    const began = performance.now();
    const hang = () => new Promise<never>(() => {});
    expect(await steps({ stat: hang, ...ends })).toEqual(["resolve ok", "connect timeout"]);
    expect(await steps({ [Symbol.asyncDispose]: hang })).toEqual([]);
    expect(performance.now() - began).toBeLessThan(4000);
  });
});

describe("many at once", () => {
  it("takes the time of the slowest, not the sum", async () => {
    const servers = await Promise.all(
      Array.from({ length: 20 }, () => scripted(script().expect(/^/).pause(300).send("hello\r\n"))),
    );
    try {
      const began = performance.now();
      const results = await checked(servers.map((server) => server.url("gopher", "/0x")));
      expect(performance.now() - began).toBeLessThan(2000);
      expect(results.filter(({ step, ok }) => step === "roundtrip" && ok)).toHaveLength(20);
    } finally {
      await Promise.all(servers.map((server) => server.close()));
    }
  });

  it("ends with the caller's signal", async () => {
    await using server = await scripted(script().pause(5000));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    await expect(
      checked([server.url("smtp"), server.url("ftp")], { signal: controller.signal }),
    ).rejects.toMatchObject({ code: "aborted" });
  });

  it("is left early without a trace", async () => {
    const client = new Client({ network: { tls: { caFile: sandbox.caFile } } });
    for await (const result of check(client, [sandbox.url("http"), sandbox.url("ftp")])) {
      expect(result.step).toBe("resolve");
      break;
    }
  });
});

describe("for monitoring", () => {
  const result = (changes: Partial<CheckResult>): CheckResult => ({
    url: "https://a.example/",
    protocol: "http",
    step: "connect",
    ok: true,
    grade: "ok",
    ms: 12.5,
    detail: "",
    weaknesses: [],
    ...changes,
  });
  const results = [result({}), result({ step: "tls", ms: 20, tls: { daysLeft: 40 } })];

  it("Nagios: one line, a bar, the numbers", () => {
    expect(nagiosReport(reportsOf(["https://a.example/"], results))).toEqual({
      status: 0,
      text:
        "PORTHOLE OK - https://a.example/ in 33 ms | 'time'=0.032500s;;;0 'connect'=0.012500s;;;0 " +
        "'tls'=0.020000s;;;0 'days_left'=40;;\n",
    });
  });

  it("Nagios: what is wrong first, with thresholds, and no second bar", () => {
    const weak = { what: "a | b", hint: "mend it", grade: "warning" } as const;
    const reports = reportsOf(["https://a.example/"], [result({ grade: "warning", weaknesses: [weak] })], {
      warnMs: 5,
      criticalMs: 1000,
    });
    expect(nagiosReport(reports, { warnMs: 5, criticalMs: 1000 })).toEqual({
      status: 1,
      text:
        "PORTHOLE WARNING - https://a.example/: a / b | 'time'=0.012500s;0.005;1;0 'connect'=0.012500s;;;0\n" +
        "https://a.example/: took 13 ms\n",
    });
  });

  it("Prometheus: text format, quotes made harmless", () => {
    expect(
      prometheusReport(
        reportsOf(['https://a.example/"'], [result({ url: 'https://a.example/"', ok: false })]),
      ),
    ).toBe(
      [
        "# HELP porthole_up Whether every step of the target is well.",
        "# TYPE porthole_up gauge",
        'porthole_up{url="https://a.example/\\""} 0',
        "# HELP porthole_step_ok Whether the step is well.",
        "# TYPE porthole_step_ok gauge",
        'porthole_step_ok{url="https://a.example/\\"",step="connect"} 0',
        "# HELP porthole_step_seconds How long the step took.",
        "# TYPE porthole_step_seconds gauge",
        'porthole_step_seconds{url="https://a.example/\\"",step="connect"} 0.0125',
        "# HELP porthole_weaknesses What works and is unsafe.",
        "# TYPE porthole_weaknesses gauge",
        'porthole_weaknesses{url="https://a.example/\\""} 0',
        "",
      ].join("\n"),
    );
  });
});
