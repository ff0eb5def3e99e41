/** Debian's inetutils telnetd. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { type Inetd, startInetd } from "./inetd.js";

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

/** The socket is its standard input and output. */
export function startTelnetd(login: string, ...options: readonly string[]): Promise<Inetd> {
  return startInetd({ pauseOnConnect: true }, (socket) => {
    const child = spawn(PROGRAM, [...options, "-E", login], { stdio: [socket, socket, "ignore"] });
    return child.once("close", () => socket.destroy());
  });
}
