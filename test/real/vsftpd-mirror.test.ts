/** A thousand files with hard names, from vsftpd (TLS, the session to be resumed) and back, compared octet for octet. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { Client } from "../../src/client.js";
import { type MirrorEvent, mirror } from "../../src/verbs/mirror.js";
import { DAEMON, startVsftpd, tlsOptions, VSFTPD, type Vsftpd } from "./vsftpd.js";

const TITLE = VSFTPD === undefined ? "mirror of vsftpd (vsftpd not installed)" : "mirror of vsftpd";

/** As octets: what is between them is a number. No line break: LIST would make two names of one; no other control
 * character: names on this machine have none that a server gave. */
const HARD: readonly (readonly [string, string])[] = [
  ["plain-", ".txt"],
  [" lead ", ".txt"],
  ["trail-", " "],
  ["-dash-", ".txt"],
  [".hidden-", ""],
  ["two  spaces ", ".txt"],
  ["100% #", "?.txt"],
  ["glob[", "]*?.txt"],
  ["h\xc3\xa4fen-", ".txt"],
  ["\xe6\x97\xa5\xe6\x9c\xac-", ".txt"],
  ["caf\xe9-", ".txt"],
  ["\xff\xfe-", ".bin"],
  ['quote"', '".txt'],
  ["semi;type=a", ";type=i"],
  ["back\\slash-", ".txt"],
  ["caret^", "+,=@!.txt"],
  ["a -> b ", ".txt"],
  ["e\xcc\x81-", ".txt"],
  ["{brace,", "}~$HOME`id`.txt"],
  ["long-", "x".repeat(200)],
];
const COUNT = 1000;
const FOLDERS = 10;

function octets(...parts: readonly string[]): Buffer {
  return Buffer.from(parts.join("/"), "latin1");
}

/** What is beneath a folder: names as octets, and what the octets in them make. */
function treeAt(root: string): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (folder: string) => {
    for (const name of readdirSync(octets(root, folder), { encoding: "latin1" })) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const place = octets(root, path);
      if (lstatSync(place).isDirectory()) {
        found.set(`${path}/`, "");
        walk(path);
      } else found.set(path, createHash("sha1").update(readFileSync(place)).digest("hex"));
    }
  };
  walk("");
  return found;
}

describe.skipIf(VSFTPD === undefined)(TITLE, () => {
  let root = "";
  let state = "";
  let server: Vsftpd;

  const run = async (from: string, to: string): Promise<MirrorEvent[]> => {
    const client = new Client({
      network: { tls: { caFile: join(root, "ca.pem") } },
      policy: { starttls: "require" },
    });
    const events: MirrorEvent[] = [];
    const job = { client, from, to, stateFolder: state, jobs: 2, delete: true, force: true };
    for await (const event of mirror(job)) events.push(event);
    return events;
  };

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "porthole-vsftpd-mirror-"));
    state = mkdtempSync(join(tmpdir(), "porthole-state-"));
    const own = (place: string | Buffer) => chownSync(place, DAEMON.uid, DAEMON.gid);
    mkdirSync(join(root, "files", "incoming", "hard"), { recursive: true });
    own(join(root, "files", "incoming", "hard"));
    for (let at = 0; at < FOLDERS; at++) {
      const folder = octets(root, "files", "incoming", "hard", `d ${at}`);
      mkdirSync(folder);
      own(folder);
    }
    for (let at = 0; at < COUNT; at++) {
      const [before, after] = HARD[at % HARD.length] ?? ["", ""];
      const place = octets(root, "files/incoming/hard", `d ${at % FOLDERS}`, `${before}${at}${after}`);
      writeFileSync(place, `I am ${at}\n`.repeat(at % 50));
      own(place);
    }
    chmodSync(root, 0o755);
    server = await startVsftpd(root, await tlsOptions(root, await makeTlsMaterial()));
  });

  afterAll(async () => {
    await server?.stop();
    for (const folder of [root, state]) rmSync(folder, { recursive: true, force: true });
  });

  it("comes down, is changed, and goes up again", { timeout: 300_000 }, async () => {
    const there = join(root, "files", "incoming", "hard");
    const here = join(root, "here");
    const url = `ftp://localhost:${server.port}/incoming/hard/`;
    const down = await run(url, here);
    expect(down.at(-1)).toMatchObject({ event: "done", copied: COUNT, failed: 0 });
    const before = treeAt(there);
    expect(before.size).toBe(COUNT + FOLDERS);
    expect(treeAt(here)).toEqual(before);

    const files = [...before.keys()].filter((path) => !path.endsWith("/"));
    for (const [at, path] of files.entries()) {
      if (at % 20 === 3) writeFileSync(octets(here, path), `changed ${at}\n`.repeat(60));
      else if (at % 20 === 7) rmSync(octets(here, path));
      else if (at % 20 === 9) writeFileSync(octets(here, `${path} new`), `new ${at}\n`);
    }
    const up = await run(here, url);
    expect(up.at(-1)).toMatchObject({ event: "done", failed: 0 });
    expect(treeAt(there)).toEqual(treeAt(here));
    expect(treeAt(there)).not.toEqual(before);
  });
});
