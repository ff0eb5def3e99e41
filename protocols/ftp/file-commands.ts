/** `porthole ftp hash`, `chmod`, `touch`, `du`, `find`, `fxp`: what a shell on the server would do to files there. */
import { PortholeError } from "../../src/errors.js";
import { CONTAINERS, type Command, type Invocation, type Output } from "../../src/plugin.js";
import { matchesFor } from "./folder-walk.js";
import { type Opened, openUrl } from "./opened.js";
import { shownPath } from "./path.js";
import { findAt } from "./standing.js";
import { setMode, setTime } from "./traits.js";
import { digestAt } from "./verify.js";

/** What the server says a file's octets make. */
async function* hash(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "hash URL [ALGORITHM]";
  const [url, algorithm] = invocation.words;
  const { control, session, target } = await openUrl(invocation, wanted(url, usage), usage);
  const place = session.place(target.path);
  const told = await digestAt(control, await control.pathname(place), algorithm);
  yield {
    kind: "record",
    // As `sha256sum --tag` writes it, and `sha256sum -c` reads it.
    text: `${told.algorithm.replaceAll("-", "")} (${shownPath(place)}) = ${told.hex}`,
    data: { algorithm: told.algorithm, hash: told.hex, url: target.href(target.path) },
  };
}

async function* chmod(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "chmod MODE URL...";
  const [mode, ...urls] = invocation.words;
  if (mode === undefined || !/^[0-7]{3,4}$/.test(mode)) {
    throw new PortholeError("usage", `'${mode ?? ""}' is no mode`, {
      hint: `${usage}, the mode in octal: 644`,
    });
  }
  for await (const { control, session, target } of each(invocation, urls, usage)) {
    await setMode(control, await control.pathname(session.place(target.path)), mode);
    yield { kind: "record", text: "", data: { mode, url: target.href(target.path) } };
  }
}

/** Sets the time of last change to now, or to `--time`; makes an empty file where there is none. */
async function* touch(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "touch URL...";
  const { time } = invocation.options;
  const when = typeof time === "string" ? new Date(time) : new Date();
  if (Number.isNaN(when.getTime())) {
    throw new PortholeError("usage", `'${String(time)}' is no time`, { hint: "2026-11-22T08:30:00Z" });
  }
  for await (const { control, session, target } of each(invocation, invocation.words, usage)) {
    const place = session.place(target.path);
    if ((await findAt(control, place)) === undefined) await session.write(target.path, { body: nothing() });
    const taken = await setTime(control, await control.pathname(place), when);
    if (!taken) throw new PortholeError("refused", `${shownPath(place)}: the server sets no times`);
    yield {
      kind: "record",
      text: "",
      data: { modified: when.toISOString(), url: target.href(target.path) },
    };
  }
}

/** Octets, files and folders beneath each URL. */
async function* du(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "du URL...";
  for await (const { session, target } of each(invocation, invocation.words, usage)) {
    let octets = 0;
    let files = 0;
    let folders = 0;
    for await (const { kind, size } of session.list(target.path, { recursive: true })) {
      if (CONTAINERS.has(kind)) folders += 1;
      else files += 1;
      octets += size ?? 0;
    }
    yield {
      kind: "record",
      text: `${octets}\t${shownPath(session.place(target.path))}`,
      data: { octets, files, folders, url: target.href(target.path) },
    };
  }
}

/** All beneath a folder, or what of it has a name of the pattern. */
async function* find(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "find URL [PATTERN]";
  const [url, pattern] = invocation.words;
  const { session, target } = await openUrl(invocation, wanted(url, usage), usage);
  const takes = pattern === undefined ? undefined : matchesFor(pattern);
  for await (const entry of session.list(target.path, { recursive: true })) {
    if (takes === undefined || takes(entry.name)) yield { kind: "entry", entry };
  }
}

/** From one server straight to another. */
async function* fxp(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "fxp FROM TO";
  const [from, to, ...rest] = invocation.words;
  if (from === undefined || to === undefined || rest.length > 0) {
    throw new PortholeError("usage", "from where to where?", { hint: usage });
  }
  const source = await openUrl(invocation, from, usage);
  const target = await openUrl(invocation, to, usage);
  const began = performance.now();
  const { size } = await source.session.passOn(source.target.path, target.session, target.target.path);
  yield {
    kind: "record",
    text: `${shownPath(target.session.place(target.target.path))}: ${size === undefined ? "done" : `${size} octets`}`,
    data: {
      from: source.target.href(source.target.path),
      to: target.target.href(target.target.path),
      ...(size === undefined ? {} : { octets: size }),
      ms: Math.round(performance.now() - began),
    },
  };
}

async function* each(invocation: Invocation, urls: readonly string[], usage: string): AsyncGenerator<Opened> {
  wanted(urls[0], usage);
  for (const url of urls) yield await openUrl(invocation, url, usage);
}

function wanted(url: string | undefined, usage: string): string {
  if (url !== undefined) return url;
  throw new PortholeError("usage", "which URL?", { hint: usage });
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

export const fileCommands = { hash, chmod, touch, du, find, fxp } satisfies Record<string, Command>;
