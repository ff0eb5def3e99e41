/** The ends of a relay that are no sockets: commands, terminals, serial lines, files, standard input and output. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, createReadStream, openSync } from "node:fs";
import { open, readlink, stat, symlink, unlink } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { ReadStream } from "node:tty";
import { localError, PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Outlet } from "../../src/net/outlet.js";
import type { Invocation, Output } from "../../src/plugin.js";
import { startCommand } from "./exec.js";
import { comingFrom, endSending, writeTo } from "./pour.js";
import { Shown } from "./shown.js";

/** One end, once it is open. */
export interface End {
  readonly coming: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. */
  put(piece: Uint8Array): Promise<void>;
  /** No more will be put. */
  finish(): Promise<void>;
  /** It tells of no end by itself: once no more is put, a silence is one. */
  readonly endless?: true;
  /** Tells, once both sides have said all. */
  tellClosed?(): Promise<void>;
  /** Releases all of it; may be called again. */
  close(): Promise<void>;
}

export function connectionEnd(connection: Connection): End {
  return {
    coming: comingFrom(connection),
    put: (piece) => writeTo(connection, piece),
    finish: () => endSending(connection),
    close: async () => {
      connection.destroy();
    },
  };
}

export function standardEnd(invocation: Invocation, outlet: Outlet<Output>): End {
  const shown = new Shown(invocation.options);
  return {
    coming: invocation.stdin,
    put: (piece) => outlet.put(shown.octets(Buffer.from(piece))),
    finish: async () => {},
    close: async () => {},
  };
}

/** FROM a file is read, and takes nothing; TO a file is written, and gives nothing. */
export async function fileEnd(path: string, side: "from" | "to", append: boolean): Promise<End> {
  try {
    if (side === "from") {
      const stream = createReadStream(path);
      await once(stream, "open");
      return {
        coming: stream,
        put: async () => {},
        finish: async () => {},
        close: async () => {
          stream.destroy();
        },
      };
    }
    const before = await stat(path).catch(() => undefined);
    if (before?.isFile() === true && !append) {
      throw new PortholeError("local", `${path}: exists already`, {
        hint: `file:${path}?append writes behind what it has`,
      });
    }
    const file = await open(path, "a");
    let finished: () => void = () => {};
    const end = new Promise<void>((resolve) => {
      finished = resolve;
    });
    let closed = false;
    return {
      coming: nothingUntil(end),
      put: async (piece) => {
        await file.writeFile(piece).catch((thrown: unknown) => {
          throw localError(thrown, path);
        });
      },
      finish: async () => finished(),
      close: async () => {
        finished();
        if (closed) return;
        closed = true;
        await file.close();
      },
    };
  } catch (thrown) {
    throw localError(thrown, path);
  }
}

async function* nothingUntil(end: Promise<void>): AsyncGenerator<Uint8Array> {
  await end;
  yield* [];
}

/** @param terminal as in startCommand */
export function commandEnd(command: string, terminal: boolean, warn: (text: string) => void): End {
  const child = startCommand(command, terminal);
  child.stderr.on("data", (octets: Buffer) => warn(octets.toString("utf8").trimEnd()));
  return childEnd(child, child.stdout, child.stdin, command, warn);
}

function childEnd(
  child: ChildProcess,
  stdout: Readable,
  stdin: Writable,
  shown: string,
  warn: (text: string) => void,
): End {
  let left = false;
  const ended = once(child, "close").then(
    ([status]: unknown[]) => {
      if (!left && typeof status === "number" && status !== 0) warn(`${shown}: ended with status ${status}`);
    },
    (thrown: unknown) => warn(localError(thrown, shown).message),
  );
  // It need not read what it is given.
  stdin.on("error", () => {});
  return {
    coming: stdout,
    put: (piece) => (stdin.errored === null ? writeTo(stdin, piece).catch(() => {}) : Promise.resolve()),
    finish: async () => {
      stdin.end();
    },
    close: async () => {
      left = true;
      if (child.exitCode === null && child.signalCode === null) child.kill();
      stdin.destroy();
      stdout.destroy();
      await ended;
    },
  };
}

/**
 * A pseudo terminal whose other side others open at `path`. Node has none: script(1) holds it, with somebody at the other
 * side so that it outlives those who come and go.
 */
export async function terminalEnd(path: string, warn: (text: string) => void): Promise<End> {
  const hold = "stty raw -echo; tty >&3; exec sleep infinity";
  const child = spawn("/bin/sh", ["-c", `SHELL=/bin/sh exec script -qfec '${hold}' /dev/null`], {
    stdio: ["pipe", "pipe", "ignore", "pipe"],
  });
  const [stdin, stdout, , told] = child.stdio;
  if (stdin === null || stdout === null) throw new PortholeError("local", "script(1) has no pipes");
  const end = childEnd(child, stdout, stdin, `pty:${path}`, warn);
  try {
    if (told === null || told === undefined) throw new Error("no way to be told of the terminal");
    const [name] = await Promise.race([
      once(told, "data"),
      once(child, "close").then(() => {
        throw new PortholeError("local", "no pseudo terminal: script(1) of util-linux made none", {
          hint: "install util-linux (bsdutils)",
        });
      }),
    ]);
    const device = String(name).trim();
    // A link that a run before left behind leads to no terminal of ours.
    if (/^\/dev\/pts\/\d+$/.test(await readlink(path).catch(() => ""))) await unlink(path);
    await symlink(device, path);
    const release = async () => {
      if ((await readlink(path).catch(() => "")) === device) await unlink(path);
      await end.close();
    };
    let released: Promise<void> | undefined;
    const close = () => {
      released ??= release();
      return released;
    };
    return { ...end, endless: true, finish: async () => {}, close };
  } catch (thrown) {
    await end.close();
    throw localError(thrown, path);
  }
}

/** What stty(1) calls them. */
const SETTINGS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  bits: { "5": ["cs5"], "6": ["cs6"], "7": ["cs7"], "8": ["cs8"] },
  parity: { none: ["-parenb"], even: ["parenb", "-parodd"], odd: ["parenb", "parodd"] },
  stop: { "1": ["-cstopb"], "2": ["cstopb"] },
  flow: {
    none: ["-crtscts", "-ixon", "-ixoff"],
    hardware: ["crtscts", "-ixon", "-ixoff"],
    software: ["-crtscts", "ixon", "ixoff"],
  },
};

/** The words for stty. @throws PortholeError `usage` for a setting that there is not */
export function lineSettings(parameters: URLSearchParams): string[] {
  const words = ["raw", "-echo", "clocal", "cread"];
  for (const [name, value] of parameters) {
    const known = SETTINGS[name]?.[value];
    if (known !== undefined) words.push(...known);
    else if (name === "speed" && /^\d{2,7}$/.test(value)) words.push(value);
    else {
      const values = SETTINGS[name];
      throw new PortholeError("usage", `a serial line has no ${name}=${value}`, {
        hint: values === undefined ? "speed, bits, parity, stop, flow" : Object.keys(values).join(", "),
      });
    }
  }
  return words;
}

export async function serialEnd(path: string, parameters: URLSearchParams): Promise<End> {
  const words = lineSettings(parameters);
  // Without O_NONBLOCK a line without carrier would not open; without O_NOCTTY it could become our terminal.
  const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;
  let descriptor: number;
  try {
    descriptor = openSync(path, flags);
  } catch (thrown) {
    throw localError(thrown, path);
  }
  try {
    const stty = spawn("stty", words, { stdio: [descriptor, "ignore", "pipe"] });
    let said = "";
    stty.stderr?.on("data", (octets: Buffer) => {
      said += octets.toString();
    });
    const [status]: unknown[] = await once(stty, "close");
    if (status !== 0)
      throw new PortholeError("local", `${path}: ${said.trim()}`, { hint: "is it a serial line?" });
    const line = new ReadStream(descriptor);
    line.on("error", () => {});
    return {
      coming: withoutHangUp(line.iterator({ destroyOnReturn: false })),
      // Until it is out: a slow line would lose what waits when it is closed. Who closes it fails what waits, too.
      put: (piece) => new Promise((resolve) => void line.write(piece, () => resolve())),
      finish: async () => {},
      endless: true,
      close: async () => {
        line.destroy();
      },
    };
  } catch (thrown) {
    closeSync(descriptor);
    throw localError(thrown, path);
  }
}

/** EIO is how a terminal says that its other side is gone. */
async function* withoutHangUp(coming: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* coming;
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EIO")) throw thrown;
  }
}

/**
 * Both ways, each at the pace of the slower side, until both have ended.
 * @param settle milliseconds of silence after which an end that tells of none has said all
 */
export async function join(near: End, far: End, settle: number): Promise<void> {
  const pass = async (from: End, to: End, said: { timer?: NodeJS.Timeout }) => {
    for await (const piece of from.coming) {
      said.timer?.refresh();
      await to.put(piece);
    }
    clearTimeout(said.timer);
    await to.finish();
  };
  const silences: { near: { timer?: NodeJS.Timeout }; far: { timer?: NodeJS.Timeout } } = {
    near: {},
    far: {},
  };
  const over = (end: End, silence: { timer?: NodeJS.Timeout }) => {
    if (end.endless === true) silence.timer = setTimeout(() => void end.close(), settle);
  };
  try {
    await Promise.all([
      pass(near, far, silences.near).then(() => over(far, silences.far)),
      pass(far, near, silences.far).then(() => over(near, silences.near)),
    ]);
  } catch (thrown) {
    // What was closed for its silence fails whoever reads it, and that is its end.
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ERR_STREAM_PREMATURE_CLOSE"))
      throw thrown;
  } finally {
    clearTimeout(silences.near.timer);
    clearTimeout(silences.far.timer);
    await Promise.all([near.close(), far.close()]);
  }
}
