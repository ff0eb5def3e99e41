/** What servers say before a client's first request, for the places of the contract suite. */
import { Script, script } from "../../fixtures/servers/scripted.js";

/** HTTP: nothing; the first request is the head. */
export const httpOverture: Script = script().expectUntil("\r\n\r\n");

/** Gopher: nothing; the first request is a line. */
export const gopherOverture: Script = script().expect(/^/);

/** FTP: a greeting, and a login; the first request is whatever else comes. */
export const ftpOverture: Script = script()
  .sendLines("220 ready")
  .and(
    answers({
      USER: "331 and the password",
      PASS: "230 logged in",
      FEAT: "502 no features",
      TYPE: "200 as you like",
      PWD: '257 "/" is the folder',
    }),
  );

/** SMTP: a greeting, and EHLO. */
export const smtpOverture: Script = script()
  .sendLines("220 ready")
  .and(answers({ EHLO: "250 hello" }));

/** NNTP: a greeting, what the server can do, and a group; the first request is whatever else comes. */
export const nntpOverture: Script = script()
  .sendLines("200 ready")
  .and(answers({ CAPABILITIES: "500 what?", MODE: "200 reader" }));

/** POP3: a greeting, and a login by USER and PASS. */
export const pop3Overture: Script = script()
  .sendLines("+OK ready")
  .and(answers({ CAPA: "-ERR what?", USER: "+OK and the password", PASS: "+OK logged in" }));

/** IMAP: a greeting, and a login; the first request is whatever else comes. */
export const imapOverture: Script = script()
  .sendLines("* OK [CAPABILITY IMAP4rev1] ready")
  .and(
    new Script().step({
      title: "answer CAPABILITY and LOGIN",
      async run(connection) {
        for (;;) {
          const line = (await connection.readLine())?.toString("latin1");
          if (line === undefined) throw new Error("the client closed");
          const [, tag = "", verb = ""] = /^(\S+) (\S+)/.exec(line) ?? [];
          if (!/^(?:CAPABILITY|LOGIN)$/.test(verb)) return;
          const told = verb === "CAPABILITY" ? "* CAPABILITY IMAP4rev1\r\n" : "";
          await connection.write(Buffer.from(`${told}${tag} OK done\r\n`));
        }
      },
    }),
  );

/** Answers the commands of the table, and 502 to those by which a client asks for TLS; ends after any other. */
function answers(table: Readonly<Record<string, string>>): Script {
  const replies: Readonly<Record<string, string>> = { AUTH: "502 no TLS", STARTTLS: "502 no TLS", ...table };
  return new Script().step({
    title: `answer ${Object.keys(table).join(", ")}`,
    async run(connection) {
      for (;;) {
        const line = (await connection.readLine())?.toString("latin1");
        if (line === undefined) throw new Error("the client closed");
        const reply = replies[/^[A-Z]*/.exec(line)?.[0] ?? ""];
        if (reply === undefined) return;
        await connection.write(Buffer.from(`${reply}\r\n`));
      }
    },
  });
}
