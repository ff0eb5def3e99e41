/** A mailbox of 2,000 messages, and a message of 50 MB, over POP3, from Debian's dovecot where it is installed. */
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasDovecot, startDovecot } from "../test/real/dovecot.js";
import { type Bench, outOfTheWay, porthole } from "./bench.js";

const MESSAGES = 2000;
/** 2,000 of these are 54.6 MB. */
const OCTETS = 27_300;
const LARGE = 50_000_000;

/** What people would write instead: every header, one TOP after the other. */
const POPLIB = `
import poplib, sys
box = poplib.POP3("127.0.0.1", int(sys.argv[1]))
box.user("ann")
box.pass_("open sesame")
for number in range(1, len(box.list()[1]) + 1):
    box.top(number, 0)
box.quit()
`;

export const bench: Bench = async ({ folder }) => {
  if (!hasDovecot("pop3")) {
    process.stdout.write("POP3: skipped, dovecot-pop3d is not installed\n");
    return { pairs: [], bounds: [] };
  }
  const many = await startDovecot(
    "pop3",
    Array.from({ length: MESSAGES }, (_, at) => mail(at, OCTETS)),
  );
  const one = await startDovecot("pop3", [mail(0, LARGE)]);
  const user = "ann:open%20sesame@127.0.0.1";
  const large = `pop3://${user}:${one.port}/1`;
  const file = join(folder, "message.eml");
  const fresh = () => rmSync(file, { force: true });
  const backup = join(folder, "backup");
  const peers = join(folder, "peer");
  const config = join(folder, "mpoprc");
  writeFileSync(config, mpop(many.port, peers), { mode: 0o600 });
  const whole = () => {
    if (statSync(file).size < LARGE) throw new Error("the message is not whole");
    fresh();
  };
  fresh();
  const get = {
    name: "porthole get -o",
    argv: porthole("get", large, "-o", file, "-f", "-q"),
    prepare: fresh,
  };
  return {
    pairs: [
      {
        what: `${MESSAGES} subjects and senders over POP3`,
        subject: {
          name: "porthole ls",
          argv: porthole("ls", `pop3://${user}:${many.port}/`, "--json", "-q"),
        },
        peer: {
          name: "poplib, not parsed",
          argv: ["python3", "-c", POPLIB, String(many.port)],
          version: ["python3", "--version"],
        },
        runs: 5,
      },
      {
        what: `${MESSAGES} messages over POP3 to a Maildir, synced`,
        subject: {
          name: "porthole mirror",
          argv: porthole("mirror", `pop3://${user}:${many.port}/`, `maildir:${backup}`, "-q"),
          prepare: () => outOfTheWay(backup),
        },
        peer: {
          name: "mpop",
          argv: ["mpop", "-C", config, "--uidls-file", join(peers, "uidls"), "-q", "far"],
          version: ["mpop", "--version"],
          prepare: () => {
            outOfTheWay(peers);
            for (const part of ["cur", "new", "tmp"]) mkdirSync(join(peers, part), { recursive: true });
          },
        },
        limit: 1,
        runs: 5,
      },
      {
        what: "50 MB message over POP3 to a file",
        subject: get,
        peer: {
          name: "curl",
          argv: ["curl", "-s", "-o", file, large],
          version: ["curl", "--version"],
          prepare: fresh,
        },
        runs: 5,
      },
    ],
    bounds: [{ what: "50 MB message over POP3, memory", subject: get, limit: 100 }],
    inspect: whole,
    close: async () => {
      await Promise.all([many.stop(), one.stop()]);
    },
  };
};

function mail(at: number, octets: number): Buffer {
  const header = `From: Mail ${at} <m${at}@x.example>\r\nSubject: number ${at}\r\nDate: Mon, 2 Nov 2026 08:00:00 +0000\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(header),
    Buffer.alloc(octets, "a line of a mail, as long as others are\r\n"),
    Buffer.from("\r\n"),
  ]);
}

function mpop(port: number, near: string): string {
  return `account far
host 127.0.0.1
port ${port}
user ann
password open sesame
auth user
tls off
keep on
delivery maildir ${near}
`;
}
