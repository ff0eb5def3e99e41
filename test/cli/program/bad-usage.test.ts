import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SANDBOX_PROTOCOLS } from "../../../fixtures/servers/sandbox.js";
import { type ScriptedServer, script, scripted } from "../../../fixtures/servers/scripted.js";
import { WORDS } from "../../../src/cli/verbs.js";
import { MANIFESTS } from "../../../src/registry.js";
import { objects, User } from "./program.js";

let user: User;
/** Takes connections, and counts them. */
let server: ScriptedServer;

beforeAll(async () => {
  user = await User.create();
  server = await scripted(script().drain());
});
afterAll(async () => {
  await server.close();
  await user[Symbol.asyncDispose]();
});

/** HTTP, FTP: the place of the listening server. */
const at = (scheme: string, path = "/") => server.url(scheme, path);

/** The command line is refused with this line, and nothing is sent. */
async function isRefused(args: readonly string[], line: string): Promise<void> {
  const before = server.connections.length;
  const { status, stdout, stderr } = await user.run(args);
  expect(stderr).toBe(`porthole: ${line}\n`);
  expect(stdout).toBe("");
  expect(status).toBe(2);
  expect(server.connections.length).toBe(before);
}

describe("a word that is not known", () => {
  it.each([
    ["lss", "'lss' is neither a verb, a protocol nor a URL - did you mean ls?"],
    ["gett", "'gett' is neither a verb, a protocol nor a URL - did you mean get?"],
    ["gophr", "'gophr' is neither a verb, a protocol nor a URL - did you mean gopher?"],
    ["protocol", "'protocol' is neither a verb, a protocol nor a URL - did you mean protocols?"],
    ["foo", "'foo' is neither a verb, a protocol nor a URL - `porthole --help` lists the verbs"],
  ])("%s", (word, line) => isRefused([word, at("http")], line));
});

describe("a scheme that is not known", () => {
  it.each([
    ["htp", "unknown scheme 'htp:' - did you mean http:?"],
    ["gohper", "unknown scheme 'gohper:' - did you mean gopher:?"],
    ["ftpps", "unknown scheme 'ftpps:' - did you mean ftps:?"],
    ["quux", "unknown scheme 'quux:' - `porthole protocols` lists those there are"],
  ])("%s:", (scheme, line) => isRefused(["get", at(scheme)], line));

  it("is found before any URL of the line is opened", () =>
    isRefused(["get", at("http"), at("htpp")], "unknown scheme 'htpp:' - did you mean http:?"));
});

describe("a protocol's command that is not known", () => {
  it.each([
    [["ftp", "quoet"], "ftp: FTP has no command 'quoet' - did you mean quote?"],
    [
      ["ftp", "xyzzy"],
      "ftp: FTP has no command 'xyzzy' - there are features, quote, site, hash, chmod, touch, du, find, fxp",
    ],
    [
      ["gopher", "mirror", "gopher://h", "./hole"],
      "gopher: Gopher has no command 'mirror' - it is a verb: porthole mirror gopher:...",
    ],
    [["gopher", "over"], "gopher: Gopher has no command 'over' - there are attributes, ask, caps, crawl"],
  ])("%j", (words, line) => isRefused([...words, at("ftp")], line));

  it("and one without its URL", () =>
    isRefused(["ftp", "quote"], "ftp: quote wants a URL - porthole ftp quote URL COMMAND..."));

  it("and one with another protocol's", async () => {
    await isRefused(
      ["ftp", "features", "http://me@127.0.0.1:9/"],
      "ftp: http://me@127.0.0.1:9/ is not for FTP - porthole ftp features URL",
    );
  });
});

describe("a host and a port as telnet and nc have them", () => {
  it.each([
    [["telnet", "router", "2323"], "telnet: Telnet has no command 'router' - porthole telnet://router:2323"],
    [
      ["telnet", "telnet://a.example"],
      "telnet: Telnet has no command 'telnet://a.example' - porthole telnet://a.example",
    ],
    [
      ["telnet", "run", "localhost:23"],
      "telnet: http://localhost:23 is not for Telnet - write telnet://localhost:23",
    ],
    [
      ["socket", "connect", "localhost", "12345"],
      "socket: one URL, not 2 words - write tcp://localhost:12345",
    ],
    [
      ["socket", "connect", "tcp://localhost", "http"],
      "socket: one URL, not 2 words - write tcp://localhost:http",
    ],
    [
      ["socket", "connect", "localhost:12345"],
      "socket: http://localhost:12345 is not for sockets - write tcp://localhost:12345",
    ],
    [["socket", "listen", "12345"], "socket: https://12345 is not for sockets - write tcp://:12345"],
    [
      ["socket", "listen", ":12345"],
      "socket: http://localhost:12345 is not for sockets - write tcp://:12345",
    ],
  ])("%j", (words, line) => isRefused(words, line));
});

describe("an option that is not known or does not fit", () => {
  it.each([
    [["--colour"], "unknown option --colour - did you mean --color?"],
    [["--colr=never"], "unknown option --colr - did you mean --color?"],
    [["--frce"], "unknown option --frce - did you mean --force?"],
    [["--no-progres"], "unknown option --no-progres - did you mean --no-progress?"],
    [["--xyzzy"], "unknown option --xyzzy - `porthole --help` lists the options"],
    [["-Z"], "unknown option -Z - `porthole --help` lists the options"],
    [["--color", "neverr"], "--color takes auto, always, never, not 'neverr' - did you mean never?"],
    [["--tls-min", "2"], "--tls-min takes 1.0, 1.1, 1.2, 1.3, not '2'"],
    [["--starttls=requrie"], "--starttls takes auto, require, never, not 'requrie' - did you mean require?"],
    [["--timeout", "soon"], "--timeout takes a number, not 'soon'"],
    [["--timeout", "-1"], "--timeout takes a number, not '-1'"],
    [["--retry="], "--retry takes a number, not ''"],
    [["--json=yes"], "--json takes no value"],
    [["--limit-rate", "fast"], "--limit-rate: 'fast' is not a size - write 1500, 64k or 2.5M"],
    [["--resolve", "host"], "--resolve cannot read 'host' - write HOST:PORT:ADDRESS"],
    [["-4", "-6"], "-4 and -6 leave no address to connect to"],
    [["--long"], "get takes no --long - `porthole get --help` lists what it takes"],
    [["--attach", "x"], "get takes no --attach - `porthole get --help` lists what it takes"],
    [["-o", "x", "-O"], "-o names the file; -O and -d take the remote name - give one of them"],
  ])("%j", (options, line) => isRefused(["get", at("http"), ...options], line));

  it.each([
    [["--timeout"], "--timeout wants a value - write --timeout S"],
    [["--color"], "--color wants a value - write --color auto|always|never"],
    [["-o"], "--output wants a value - write --output FILE"],
    [["--user"], "--user wants a value - write --user USER[:PASS]"],
  ])("%j without its value", (options, line) => isRefused(["get", at("http"), ...options], line));

  it.each([
    [["-from:a@x"], "search takes no -from:a@x - what is not to be found is written 'not from:a@x'"],
    [
      ["subject:x", "-body:a b"],
      "search takes no -body:a b - what is not to be found is written 'not body:\"a b\"'",
    ],
    [["-unseen"], "search takes no -unseen - what is not to be found is written 'not unseen'"],
  ])("%j as other programs negate", (words, line) => isRefused(["search", at("imap"), ...words], line));

  it("several documents and one file", () =>
    isRefused(
      ["get", at("http", "/a"), at("http", "/b"), "-o", "x"],
      "2 documents do not fit into one file - -d DIR saves each under its own name",
    ));

  it("a size that is none, when it is needed", async () => {
    const { status, stderr } = await user.run(["get", at("http"), "--max-size", "big", "-o", "x"]);
    expect(stderr).toBe("porthole: --max-size: 'big' is not a size - write 1500, 64k or 2.5M\n");
    expect(status).toBe(2);
    expect(server.connections).toHaveLength(0);
  });
});

describe("words that are missing, or too many", () => {
  it.each([
    [["get"], "get wants a URL - porthole get URL..."],
    [["ls", "-l"], "ls wants a URL - porthole ls URL..."],
    [["mv", "ftp://127.0.0.1:9/a"], "mv wants two places - porthole mv FROM TO"],
    [["put", "ftp://127.0.0.1:9/a"], "put wants files and a URL - porthole put FILE... URL"],
    [["search", "gopher://127.0.0.1:9/"], "search wants a URL and words - porthole search URL WORDS..."],
    [["completion"], "completion wants the name of a shell: bash, zsh or fish"],
    [["completion", "bsh"], "completion wants the name of a shell: bash, zsh or fish - did you mean bash?"],
    [["config", "show"], "config takes no 'show' - porthole config stands alone"],
    [
      ["mirror", "http://127.0.0.1:9/", "site"],
      "'site' may be a folder or a host - write ./site for the folder, https://site for the host",
    ],
    [
      ["cp", "http://127.0.0.1:9/", "site/"],
      "'site/' may be a folder or a host - write ./site/ for the folder, https://site/ for the host",
    ],
    [["get", "http://127.0.0.1:9/", "-s"], "unknown option -s - `porthole --help` lists the options"],
    [["get", ""], "the URL is empty"],
    [["get", "http://"], "http: 'http://' names no host - write http://HOST/"],
    [
      ["sandbox", "--only", "imapp"],
      `the sandbox has no server for 'imapp' - it has ${SANDBOX_PROTOCOLS.join(", ")}`,
    ],
  ])("%j", (args, line) => isRefused(args, line));

  it("two URLs for one word", () =>
    isRefused([at("http"), at("ftp")], "open wants one URL - porthole open URL"));
});

/** What the table says of a protocol, as the hint gives it. */
function itCan(protocol: string): string {
  return `it can ${MANIFESTS.find(({ name }) => name === protocol)?.verbs.join(", ")}`;
}

describe("what a protocol cannot do is refused before connecting", () => {
  it.each([
    ["ls", "smtp", "smtp", "SMTP"],
    ["get", "smtps", "smtp", "SMTP"],
    ["search", "smtp", "smtp", "SMTP"],
    ["mkdir", "gopher", "gopher", "Gopher"],
    ["rm", "gophers", "gopher", "Gopher"],
    ["send", "ftp", "ftp", "FTP"],
  ])("%s of %s", (verb, scheme, protocol, title) => {
    const words = verb === "search" ? ["word"] : [];
    return isRefused(
      [verb, at(scheme), ...words],
      `${protocol}: ${verb} is not for ${title} - ${itCan(protocol)}`,
    );
  });

  const unbuilt = MANIFESTS.filter(({ verbs }) => verbs.length === 0);
  it.each(unbuilt)("nor has it a row that is not built: $title", ({ name, title, schemes }) => {
    const [scheme = ""] = Object.keys(schemes);
    return isRefused(
      ["get", at(scheme)],
      `${name}: ${title} cannot be used yet - \`porthole protocols\` shows what each protocol can do`,
    );
  });

  const unbuiltVerbs = WORDS.filter(({ load }) => load === undefined).map(({ name }) => name);
  it.each(unbuiltVerbs)("nor a verb that is not built: %s", (verb) =>
    isRefused(
      [verb, at("ftp"), at("ftp")],
      `${verb} is in the plan and cannot be used yet - \`porthole --help\` lists what can`,
    ),
  );
});

describe("what could speak for the user", () => {
  it.each([
    ["get", "http://127.0.0.1:9/a\r\nX-Evil: 1"],
    ["ls", "ftp://127.0.0.1:9/a\nDELE b"],
  ])("a line break in the URL of %s", (verb, url) =>
    isRefused(
      [verb, url],
      "the URL holds a line break or a NUL, which is never sent - take it out; in a path it may be meant as %0D, %0A or %00",
    ),
  );
});

describe("the same with --json", () => {
  it("is one object on standard error", async () => {
    const { status, stdout, stderr } = await user.run(["ls", "--json", at("smtp")]);
    expect(objects(stderr)).toEqual([
      {
        error: {
          code: "usage",
          exit: 2,
          protocol: "smtp",
          message: "ls is not for SMTP",
          hint: itCan("smtp"),
          url: at("smtp"),
        },
      },
    ]);
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });

  it("names the URL whose scheme nobody knows, without its password", async () => {
    const { stderr } = await user.run(["get", "htp://me:secret@127.0.0.1:9/x", "--json", "-q"]);
    expect(objects(stderr)).toEqual([
      {
        error: {
          code: "usage",
          exit: 2,
          message: "unknown scheme 'htp:'",
          hint: "did you mean http:?",
          url: "htp://me@127.0.0.1:9/x",
        },
      },
    ]);
  });
});

describe("a stack trace", () => {
  it("is shown with -vv alone", async () => {
    const plain = await user.run(["lss"]);
    expect(plain.stderr).not.toContain("    at ");
    const loud = await user.run(["-vv", "lss"]);
    expect(loud.stderr).toMatch(/^porthole: 'lss' .*\nPortholeError: 'lss' .*\n {4}at /);
  });
});
