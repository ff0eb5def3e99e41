import { expect, it } from "vitest";
import { Client } from "../../src/client.js";
import { failure } from "../talk.js";

it("a tunnel's command that takes a socket for inetd's, as dovecot does when it runs as root, is told to have a pipe", async () => {
  const said = "* BAD [ALERT] imap binary must not be started from inetd, use imap-login instead.";
  const warnings: string[] = [];
  const client = new Client({
    credentials: async () => ({ user: "ann", password: "open sesame", kind: "password" }),
    options: { tunnel: `printf 'one\\ntwo\\n' >&2; printf '%s\\r\\n' '${said}'; sleep 1` },
    warn: (text) => void warnings.push(text),
  });
  const opened = client.use(client.target("imap://localhost/"), async () => undefined);
  expect(await failure(opened)).toMatchObject({ code: "protocol", hint: expect.stringContaining("| cat") });
  expect(warnings.filter((text) => /one|two/.test(text))).toEqual(["one", "two"]);
});
