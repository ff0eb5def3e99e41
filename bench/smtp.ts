/**
 * Mails to Debian's postfix: one with STARTTLS and a login beside swaks, a thousand beside smtplib and smtp-source, a large
 * attachment. The limits are those of the line that it runs on: with a round trip of 20 ms others hold than on loopback.
 */

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { POSTFIX_INSTALLED, startPostfix } from "../test/real/postfix.js";
import { type Bench, porthole } from "./bench.js";

const MAILS = 1000;
const OCTETS = 2000;
const LARGE = 100_000_000;
/** Seconds that `node -e 0` takes, which a command cannot be without. */
const NODE = 0.12;
/** Milliseconds to connect, above which the line is a slow one. */
const SLOW = 5;

/** What people would write instead. */
const SMTPLIB = `
import smtplib, sys
text = "From: a@x.example\\r\\nTo: bob@harbour.example\\r\\nSubject: number\\r\\n\\r\\n" + "a line of a mail, as long as others are\\r\\n" * ${Math.ceil(OCTETS / 41)}
with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as server:
    for at in range(${MAILS}):
        server.sendmail("a@x.example", ["bob@harbour.example"], text)
`;

export const bench: Bench = async ({ folder }) => {
  if (!POSTFIX_INSTALLED) {
    process.stdout.write("SMTP: skipped, postfix is not installed, or this is not root\n");
    return { pairs: [], bounds: [] };
  }
  // Not beneath `folder`, which is this user's alone.
  const root = mkdtempSync(join(tmpdir(), "porthole-postfix-"));
  const postfix = await startPostfix(root, 200_000_000);
  const port = new URL(postfix.smtp.replace("smtp:", "http:")).port;
  const submission = new URL(postfix.submission.replace("submission:", "http:")).port;
  const slow = (await milliseconds(Number(port))) > SLOW;
  const [list, template, large] = ["list.csv", "mail.txt", "large.bin"].map((name) => join(folder, name));
  writeFileSync(
    list ?? "",
    `email,n\n${Array.from({ length: MAILS }, (_, at) => `bob@harbour.example,${at}\n`).join("")}`,
  );
  const text = "a line of a mail, as long as others are\n".repeat(Math.ceil(OCTETS / 41));
  writeFileSync(template ?? "", `From: a@x.example\nTo: {{email}}\nSubject: number {{n}}\n\n${text}`);
  writeFileSync(large ?? "", Buffer.alloc(LARGE, 7));
  const smtplib = {
    name: "smtplib",
    argv: ["python3", "-c", SMTPLIB, port] as const,
    version: ["python3", "--version"] as const,
  };
  const bulk = (...more: readonly string[]) => ({
    name: "porthole smtp bulk",
    argv: porthole(
      ...[
        "smtp",
        "bulk",
        postfix.smtp,
        list ?? "",
        "--template",
        template ?? "",
        "--starttls",
        "never",
        "-q",
      ],
      ...["--again", "--no-config", ...more],
    ),
  });
  const login = ["ann:open sesame", "ann", "open sesame"] as const;
  const where = slow ? ", slow line" : "";
  const runs = slow ? 1 : 5;
  return {
    pairs: [
      {
        what: `one mail, STARTTLS and login${where}`,
        subject: {
          name: "porthole send",
          argv: porthole(
            ...[
              "send",
              postfix.submission,
              "-u",
              login[0],
              "-k",
              "--starttls",
              "require",
              "-q",
              "--no-config",
            ],
            ...["--from", "a@x.example", "--to", "bob@harbour.example"],
          ),
        },
        peer: {
          name: "swaks",
          argv: [
            ...(["swaks", "--server", "127.0.0.1", "--port", submission, "-tls", "--silent", "3"] as const),
            ...["--auth", "PLAIN", "--auth-user", login[1], "--auth-password", login[2]],
            ...["--from", "a@x.example", "--to", "bob@harbour.example"],
          ],
          version: ["swaks", "--version"],
        },
        extra: NODE,
      },
      {
        what: `${MAILS} mails, one connection${where}`,
        subject: bulk(),
        peer: smtplib,
        limit: slow ? 0.03 : 1,
        runs,
      },
      {
        what: `${MAILS} mails, one connection, DATA${where}`,
        subject: bulk("--no-chunking"),
        peer: smtplib,
        ...(slow ? { limit: 0.3 } : {}),
        runs,
      },
      {
        what: `${MAILS} mails, ten connections${where}`,
        subject: bulk("--jobs", "10"),
        peer: {
          name: "smtp-source -s 10",
          argv: [
            ...(["smtp-source", "-s", "10", "-m", String(MAILS), "-l", String(OCTETS)] as const),
            ...["-f", "a@x.example", "-t", "bob@harbour.example", `127.0.0.1:${port}`],
          ],
          version: ["postconf", "-d", "mail_version"],
        },
        ...(slow ? { limit: 0.5 } : {}),
        runs,
      },
    ],
    bounds: [
      {
        what: `a ${LARGE / 1e6} MB attachment, memory${where}`,
        subject: {
          name: "porthole send",
          argv: porthole(
            ...["send", postfix.smtp, "--from", "a@x.example", "--to", "bob@harbour.example", "-q"],
            ...["--attach", large ?? "", "--no-config"],
          ),
        },
        limit: 120,
      },
    ],
    close: async () => {
      await postfix.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
};

async function milliseconds(port: number): Promise<number> {
  const began = performance.now();
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
  return performance.now() - began;
}
