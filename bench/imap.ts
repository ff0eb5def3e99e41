/** Backups, listings and a message of 50 MB over IMAP, from Debian's dovecot where it is installed. */
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasDovecot, startDovecot } from "../test/real/dovecot.js";
import { BARE_NODE, type Bench, outOfTheWay, porthole } from "./bench.js";
import type { Pair } from "./harness.js";

const MESSAGES = 2000;
/** 2,000 of these are 54.6 MB. */
const OCTETS = 27_100;
const ENVELOPES = 10_000;
const LARGE = 50_000_000;

/** What people would write instead: all envelopes, as they come. */
const IMAPLIB = `
import imaplib, sys
box = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]))
box.login("ann", "open sesame")
box.select("INBOX", True)
box.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)")
box.logout()
`;

export const bench: Bench = async ({ folder }) => {
  if (!hasDovecot("imap")) {
    process.stdout.write("IMAP: skipped, dovecot-imapd is not installed\n");
    return { pairs: [], bounds: [] };
  }
  const many = await startDovecot(
    "imap",
    Array.from({ length: MESSAGES }, (_, at) => mail(at, OCTETS)),
  );
  const small = await startDovecot(
    "imap",
    Array.from({ length: ENVELOPES }, (_, at) => mail(at, 1000)),
  );
  const one = await startDovecot("imap", [mail(0, LARGE)]);
  const user = "ann:open%20sesame@127.0.0.1";
  const backup = join(folder, "backup");
  const peers = join(folder, "peer");
  const file = join(folder, "message.eml");
  const config = join(folder, "mbsyncrc");
  writeFileSync(config, mbsync(many.port, peers));
  const large = `imap://${user}:${one.port}/INBOX/;UID=1`;
  const whole = () => {
    if (existsSync(file) && statSync(file).size < LARGE) throw new Error("the message is not whole");
    rmSync(file, { force: true });
  };
  const get = {
    name: "porthole get -o",
    argv: porthole("get", large, "-o", file, "-f", "-q"),
    prepare: whole,
  };
  const ls = {
    name: "porthole ls --json",
    argv: porthole("ls", `imap://${user}:${small.port}/INBOX`, "--json", "-q"),
  };
  const backups: Pair[] = existsSync("/usr/bin/mbsync")
    ? [
        {
          what: `${MESSAGES} messages over IMAP to a Maildir, synced`,
          subject: {
            name: "porthole mirror",
            argv: porthole("mirror", `imap://${user}:${many.port}/INBOX`, `maildir:${backup}`, "-q"),
            prepare: () => outOfTheWay(backup),
          },
          peer: {
            name: "mbsync",
            argv: ["mbsync", "-q", "-c", config, "-a"],
            version: ["mbsync", "--version"],
            prepare: () => {
              outOfTheWay(peers);
              mkdirSync(peers);
            },
          },
          runs: 5,
        },
      ]
    : [];
  return {
    pairs: [
      ...backups,
      {
        what: `${ENVELOPES} envelopes over IMAP, as JSON`,
        subject: ls,
        peer: {
          name: "imaplib, not parsed",
          argv: ["python3", "-c", IMAPLIB, String(small.port)],
          version: ["python3", "--version"],
        },
        runs: 5,
      },
      {
        what: "folders over IMAP",
        subject: { name: "porthole ls", argv: porthole("ls", `imap://${user}:${many.port}/`, "-q") },
        peer: BARE_NODE,
        runs: 11,
      },
      {
        what: "50 MB message over IMAP to a file",
        subject: get,
        peer: {
          name: "curl",
          argv: ["curl", "-s", "-o", file, large],
          version: ["curl", "--version"],
          prepare: whole,
        },
        runs: 5,
      },
    ],
    bounds: [
      { what: "50 MB message over IMAP, memory", subject: get, limit: 150 },
      { what: `${ENVELOPES} envelopes over IMAP, memory`, subject: ls, limit: 150 },
    ],
    inspect: whole,
    close: async () => {
      await Promise.all([many.stop(), small.stop(), one.stop()]);
    },
  };
};

function mbsync(port: number, near: string): string {
  return `
IMAPAccount far
Host 127.0.0.1
Port ${port}
User ann
Pass "open sesame"
SSLType None
AuthMechs PLAIN

IMAPStore far
Account far

MaildirStore near
Path ${near}/
Inbox ${near}/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX
Sync PullNew
Create Near
SyncState *
`;
}

function mail(at: number, octets: number): Buffer {
  const header = `From: Mail ${at} <m${at}@x.example>\r\nSubject: number ${at}\r\nMessage-ID: <m${at}@x.example>\r\nDate: Mon, 2 Nov 2026 08:00:00 +0000\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(header),
    Buffer.alloc(octets, "a line of a mail, as long as others are\r\n"),
    Buffer.from("\r\n"),
  ]);
}
