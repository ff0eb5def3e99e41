/**
 * Puts the program's chunks into a few files, each run when it is first asked for as if it were a file of its own: to
 * find, read and wrap fifty small files takes Node as long as all that a small command does.
 *
 * One pack holds what nearly every command loads, each protocol has one of its own, and so have logging in, saving and
 * carrying. What two of them share is with the usual or in one more pack when it is small and a file when it is large,
 * so that neither brings the other's along.
 */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";

/** What nearly every command loads one after the other; what these import comes with them. */
const USUAL = ["src/cli/run.ts", "src/cli/perform.ts", "src/cli/commands/everyday.ts"];
const PROGRAM = "porthole.js";
/** A protocol's pack begins with its index. */
const PROTOCOL = /^protocols\/([a-z0-9]+)\/index\.ts$/;
/** What is loaded later, into its protocol's pack or one of its own: what the most usual commands need next. */
const FURTHER = {
  "protocols/http/engines/direct.ts": "http",
  "protocols/ftp/login.ts": "ftp",
  "protocols/ftp/session.ts": "ftp",
  "protocols/local/file-session.ts": "local",
  "protocols/local/maildir.ts": "local",
  "protocols/local/message-session.ts": "local",
  "src/auth/sources.ts": "login",
  "src/cli/prompt.ts": "login",
  "src/cli/url-list.ts": "saving",
  "src/text/filename.ts": "saving",
  "src/verbs/save.ts": "saving",
  "src/cli/commands/cp.ts": "carrying",
  "src/cli/commands/mirror.ts": "carrying",
};
/** Modules of Node's that most commands name and do not use: loaded when something of them is. */
const SELDOM = ["node:zlib", "node:tty", "node:os"];
/** Whose commands are over soonest: what they share with others is with the usual. */
const QUICK = ["gopher", "http", "local"];
/** Octets of a chunk that goes with the usual for the sake of the quick, and of one that other packs share. */
const SMALL = 8192;
const SHARED = 32_768;
/** Ahead of a chunk that has a file of its own: it finds the others as those in packs do. */
const OTHERS = "require = require.main.exports.requireChunk;\n";

/**
 * @param chunks - `{ path, code }` of each file of the program, as CommonJS
 * @param metafile - esbuild's account of them
 * @returns `{ path, code }` of all files that take their place
 */
export function packed(chunks, metafile) {
  const packOf = assigned(metafile);
  const program = chunks.find(({ path }) => basename(path) === PROGRAM).path;
  const folder = join(dirname(program), "chunks");
  const first = new Set(
    [...closure(metafile.outputs, [`dist/program/${PROGRAM}`])].map((path) => basename(path)),
  );
  const packs = new Map();
  const files = [];
  const ahead = [];
  for (const { path, code } of chunks) {
    const name = basename(path);
    const pack = packOf.get(name);
    if (first.has(name)) ahead.push({ name, code });
    else if (pack === undefined) files.push({ path, code: OTHERS + code });
    else packs.set(pack, [...(packs.get(pack) ?? []), { name, code }]);
  }
  const named = new Map();
  for (const [pack, held] of packs) {
    const source = sourceOf(held);
    // V8 tells sources apart by their length alone, so the files are named after the content.
    named.set(pack, `${pack}-${createHash("sha256").update(source).digest("hex").slice(0, 12)}`);
    files.push({ path: join(folder, `${named.get(pack)}.js`), code: source });
    // Empty is no cache yet; but it has the loader make a script of the pack, whose compiled code can be kept.
    files.push({ path: join(folder, `${named.get(pack)}.${process.versions.v8}.cache`), code: "" });
  }
  const places = Object.fromEntries([...packOf].map(([name, pack]) => [name, named.get(pack)]));
  const code = FIRST.replace("DEFINITIONS", () => definitionsOf(ahead))
    .replace("PLACES", JSON.stringify(places))
    .replace("SELDOM", JSON.stringify(SELDOM));
  files.push({ path: program, code });
  return files;
}

/** Which chunk is in which pack: names of files to names of packs. */
function assigned({ outputs }) {
  const entries = new Map(Object.entries(outputs).map(([path, { entryPoint }]) => [entryPoint, path]));
  // What the program's first file needs stays a file: --version loads no pack.
  const first = closure(outputs, ["dist/program/porthole.js"]);
  const usual = USUAL.map((entry) => {
    if (!entries.has(entry)) throw new Error(`${entry} has no chunk of its own`);
    return entries.get(entry);
  });
  const packOf = new Map();
  for (const path of closure(outputs, usual)) if (!first.has(path)) packOf.set(basename(path), "usual");
  /** Names of chunks, with whom they serve. */
  const wanted = new Map();
  for (const [entry, path] of entries) {
    const pack = PROTOCOL.exec(entry ?? "")?.[1] ?? FURTHER[entry];
    if (pack === undefined) continue;
    for (const needed of closure(outputs, [path])) {
      const name = basename(needed);
      if (!first.has(needed) && !packOf.has(name))
        wanted.set(name, (wanted.get(name) ?? new Set()).add(pack));
    }
  }
  for (const [path, { bytes }] of Object.entries(outputs)) {
    const [pack, ...others] = wanted.get(basename(path)) ?? [];
    if (pack !== undefined && others.length === 0) packOf.set(basename(path), pack);
    else if (pack !== undefined) {
      const isQuick = QUICK.some((one) => one === pack || others.includes(one));
      if (bytes <= (isQuick ? SMALL : SHARED)) packOf.set(basename(path), isQuick ? "usual" : "shared");
    }
  }
  return packOf;
}

/** Paths of chunks and of all that they import at once. */
function closure(outputs, paths, seen = new Set()) {
  for (const path of paths) {
    // What is not among the outputs is Node's own.
    if (seen.has(path) || outputs[path] === undefined) continue;
    seen.add(path);
    const next = outputs[path].imports.filter(({ kind }) => kind === "import-statement");
    closure(
      outputs,
      next.map((imported) => imported.path),
      seen,
    );
  }
  return seen;
}

/** A pack. The parentheses around each function have V8 compile it at once instead of twice. */
function sourceOf(chunks) {
  return `"use strict";\nmodule.exports = ${definitionsOf(chunks)};\n`.replace(NOT_ASCII, escaped);
}

function definitionsOf(chunks) {
  const definitions = chunks.map(({ name, code }) => {
    const body = code.replace(/^#!.*\n/, "");
    return `${JSON.stringify(name)}: (function (module, exports, require) {${body}})`;
  });
  return `{\n${definitions.join(",\n")}\n}`;
}

/** esbuild leaves them in regular expressions. The loader reads an octet a character, which is the fastest. */
const NOT_ASCII = /[^\0-\x7f]/g;
const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/**
 * The program's first file: what it cannot do without, and what finds the rest, so that one file is to be found and read
 * instead of five. A chunk is looked for here, in its pack, and then as a file. What V8 made of a pack is kept beside it
 * (warm.mjs), for the version of V8 that the program was built with; under another one Node's own cache of compiled code
 * does that, where it has one.
 */
const FIRST = `#!/usr/bin/env node
"use strict";
let origin;
globalThis.portholeNow = () => {
  const [seconds, nanoseconds] = process.hrtime();
  const now = seconds * 1000 + nanoseconds / 1e6;
  origin ??= now - process.uptime() * 1000;
  return now - origin;
};
const first = DEFINITIONS;
const places = PLACES;
const packs = new Map();
const loaded = new Map();
const scripts = new Map();
function pack(name) {
  let definitions = packs.get(name);
  if (definitions !== undefined) return definitions;
  const { readFileSync } = require("node:fs");
  const file = __dirname + "/chunks/" + name;
  const cache = file + "." + process.versions.v8 + ".cache";
  let cachedData;
  try {
    cachedData = readFileSync(cache);
  } catch {}
  if (cachedData === undefined) definitions = require(file + ".js");
  else {
    const { Script } = require("node:vm");
    const source = "(function (exports, require, module) {" + readFileSync(file + ".js", "latin1") + "})";
    const script = new Script(source, { filename: file + ".js", cachedData });
    const module = { exports: {} };
    script.runInThisContext()(module.exports, require, module);
    scripts.set(cache, script);
    definitions = module.exports;
  }
  packs.set(name, definitions);
  return definitions;
}
const has = (name) => places[name] !== undefined || Object.hasOwn(first, name);
function load(name) {
  let module = loaded.get(name);
  if (module === undefined) {
    if (!has(name)) return require("./chunks/" + name);
    module = { exports: {} };
    loaded.set(name, module);
    const define = Object.hasOwn(first, name) ? first[name] : pack(places[name])[name];
    define(module, module.exports, requireChunk);
  }
  return module.exports;
}
const seldom = new Map();
function later(name) {
  let facade = seldom.get(name);
  if (facade === undefined) {
    facade = new Proxy({}, { get: (_, key) => require(name)[key] });
    seldom.set(name, facade);
  }
  return facade;
}
function requireChunk(wanted) {
  if (SELDOM.includes(wanted)) return later(wanted);
  if (!wanted.startsWith("./")) return require(wanted);
  return load(wanted.slice(wanted.lastIndexOf("/") + 1));
}
module.exports = { load, loaded, scripts, requireChunk };
load("porthole.js");
`;
