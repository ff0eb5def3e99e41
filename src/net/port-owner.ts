/** Who listens on a port or a Unix socket of this machine already, as far as Linux tells through /proc. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { resolve } from "node:path";

export interface PortOwner {
  readonly pid: number;
  /** The program's name, as the list of processes shows it. */
  readonly program: string;
}

/** TCP_LISTEN in include/net/tcp_states.h. */
const LISTENING = "0A";

/** Undefined where the system does not tell: another system, another user's process. */
export async function ownerOfPort(port: number, transport: "tcp" | "udp"): Promise<PortOwner | undefined> {
  try {
    const tables = await Promise.all([inodesIn(transport, port), inodesIn(`${transport}6`, port)]);
    const inodes = new Set(tables.flat().map((inode) => `socket:[${inode}]`));
    return inodes.size === 0 ? undefined : await processWith(inodes);
  } catch {
    return undefined;
  }
}

/** SO_ACCEPTCON in the flags of /proc/net/unix (proc(5)): a socket that waits for peers. */
const ACCEPTS = 0x10000;

/**
 * Who serves a Unix socket. The system tells paths as they were bound: a server that bound a relative one, or the same file
 * by another name, is not found.
 */
export async function ownerOfPath(path: string): Promise<PortOwner | undefined> {
  try {
    const text = await readFile("/proc/net/unix", "utf8");
    const names = new Set([path, resolve(path)]);
    const inodes = text.split("\n").flatMap((line) => {
      // Num RefCount Protocol Flags Type St Inode Path; a path may have spaces in it.
      const [, flags = "", inode = "", bound = ""] =
        /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (.+)$/.exec(line) ?? [];
      return names.has(bound) && (Number.parseInt(flags, 16) & ACCEPTS) !== 0 ? [`socket:[${inode}]`] : [];
    });
    return inodes.length === 0 ? undefined : await processWith(new Set(inodes));
  } catch {
    return undefined;
  }
}

/** The inodes of the sockets of a table such as /proc/net/tcp that wait at the port. */
async function inodesIn(table: string, port: number): Promise<string[]> {
  const text = await readFile(`/proc/net/${table}`, "latin1").catch(() => "");
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return text.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    const waits = table.startsWith("udp") || state === LISTENING;
    return waits && local.endsWith(wanted) && inode !== "0" ? [inode] : [];
  });
}

async function processWith(inodes: ReadonlySet<string>): Promise<PortOwner | undefined> {
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const file of files) {
      const link = await readlink(`/proc/${pid}/fd/${file}`).catch(() => "");
      if (!inodes.has(link)) continue;
      const program = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
      return { pid: Number(pid), program: program.trim() };
    }
  }
  return undefined;
}
