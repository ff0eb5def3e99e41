/**
 * What a mailbox is backed up for: many mails of all kinds sent in, taken by POP3 and by IMAP, the process killed at
 * random points again and again, and in the end nothing is lost, doubled or another octet. PORTHOLE_MAILS and
 * PORTHOLE_MAIL_KILLS say how many; 2,000 mails and ten kills a protocol when they are not set.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objects, User } from "../cli/program/program.js";
import { ANN, type Dovecot, hasDovecot, startDovecotFor } from "./dovecot.js";
import { variedMail } from "./varied-mails.js";

const MAILS = Number(process.env["PORTHOLE_MAILS"] ?? 2000);
const KILLS = Number(process.env["PORTHOLE_MAIL_KILLS"] ?? 10);
const HAS_BOTH = hasDovecot("pop3") && hasDovecot("imap");
const TITLE = HAS_BOTH ? "dovecot" : "dovecot (dovecot-pop3d and dovecot-imapd not installed)";
const SECRET = { environment: { PORTHOLE_PASSWORD: ANN.password } };
const mails = Array.from({ length: MAILS }, (_, at) => variedMail(at));

describe.skipIf(!HAS_BOTH)(TITLE, () => {
  let server: Dovecot;
  let user: User;

  beforeAll(async () => {
    [server, user] = await Promise.all([startDovecotFor(["imap", "pop3"], []), User.create()]);
    for (const sub of ["cur", "new", "tmp"]) await mkdir(user.path(`sent/${sub}`), { recursive: true });
    for (const [at, mail] of mails.entries()) await writeFile(user.path(`sent/new/${at}.mail`), mail);
  });

  afterAll(async () => {
    await server.stop();
    await user[Symbol.asyncDispose]();
  });

  function urlOf(protocol: "pop3" | "imap"): string {
    const place = protocol === "imap" ? "INBOX" : "";
    return `${protocol}://${ANN.user}@localhost:${server.ports.get(protocol)?.port}/${place}`;
  }

  /** @returns its last word */
  async function mirrored(from: string, to: string): Promise<Record<string, unknown> | undefined> {
    const { status, stdout, stderr } = await user.run(["mirror", from, to, "--json"], SECRET);
    expect([status, stderr]).toEqual([0, ""]);
    return objects(stdout).at(-1);
  }

  /** Starts it, and kills it when it has put so many messages down. @returns whether it was killed before its end */
  async function broken(from: string, folder: string, after: number): Promise<boolean> {
    const running = user.start(["mirror", from, `maildir:${folder}`, "-q"], SECRET);
    while (running.child.exitCode === null && (await filesIn(folder)).length < after) await wait(2);
    running.child.kill("SIGKILL");
    return (await running.ended).signal === "SIGKILL";
  }

  it(`takes ${MAILS} mails that are put there`, async () => {
    expect(await mirrored("maildir:./sent", urlOf("imap"))).toMatchObject({ copied: MAILS, failed: 0 });
  }, 240_000);

  it.each(["pop3", "imap"] as const)(
    `by %s, killed ${KILLS} times and finished, it is backed up octet for octet`,
    async (protocol) => {
      const [from, folder] = [urlOf(protocol), user.path(protocol)];
      // Not so near the end that all is done when the kill comes.
      const points = Array.from({ length: KILLS }, () => Math.floor(Math.random() * MAILS * 0.85));
      points.sort((one, other) => one - other);
      for (const point of points) expect(await broken(from, folder, point), `killed at ${point}`).toBe(true);
      expect(await mirrored(from, `maildir:${folder}`)).toMatchObject({ failed: 0 });
      expect(await mirrored(from, `maildir:${folder}`)).toMatchObject({ copied: 0, same: MAILS, failed: 0 });
      const copies = await Promise.all(
        (await filesIn(folder)).map(async (path) => hash(await readFile(path))),
      );
      expect(sorted(copies), `killed at ${points.join()}`).toEqual(
        sorted(mails.map((mail) => hash(protocol === "pop3" ? asBlock(mail) : mail))),
      );
    },
    240_000,
  );
});

/** All that a Maildir holds, none of what is under way. */
async function filesIn(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const sub of ["new", "cur"]) {
    const names = await readdir(join(folder, sub)).catch(() => []);
    paths.push(...names.map((name) => join(folder, sub, name)));
  }
  return paths;
}

/** RFC 1939, 3: the end of what POP3 sends is a line of its own, so the line before it has an end. */
function asBlock(mail: Buffer): Buffer {
  return mail.toString("latin1").endsWith("\r\n") ? mail : Buffer.concat([mail, Buffer.from("\r\n")]);
}

function hash(octets: Buffer): string {
  return createHash("sha256").update(octets).digest("hex");
}

function sorted(hashes: readonly string[]): string[] {
  return [...hashes].sort();
}
