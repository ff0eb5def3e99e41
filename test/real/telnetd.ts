/** Debian's inetutils telnetd, a process for each connection, on a free port of loopback. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";

const PROGRAM = "/usr/sbin/telnetd";

export function hasTelnetd(): boolean {
  return existsSync(PROGRAM);
}

/** In the place of /bin/login, which would want a user of this machine. */
export const LOGIN = `#!/bin/sh
printf 'harbour login: '; read -r name
stty -echo; printf 'Password: '; read -r password; stty echo; echo
[ "$name:$password" = "keeper:light" ] || { sleep 1; echo 'Login incorrect'; exit 1; }
echo "Welcome, $name"
PS1='harbour$ ' ENV= exec /bin/sh -i
`;

export interface Telnetd {
  readonly port: number;
  close(): Promise<void>;
}

/** What inetd does: a process for each connection, with the socket as its standard input and output. */
export async function startTelnetd(login: string, ...options: readonly string[]): Promise<Telnetd> {
  const children = new Set<ChildProcess>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const child = spawn(PROGRAM, [...options, "-E", login], { stdio: [socket, socket, "ignore"] });
    children.add(child);
    socket.on("error", () => undefined);
    child.once("close", () => {
      children.delete(child);
      socket.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return {
    port: address.port,
    async close() {
      server.close();
      const ends = [...children].map((child) => once(child, "close"));
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(ends);
    },
  };
}
