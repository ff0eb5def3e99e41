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
import { hoisted } from "./hoist.mjs";

/** What nearly every command loads one after the other; what these import comes with them. */
const USUAL = ["src/cli/start.ts", "src/cli/perform.ts", "src/cli/commands/everyday.ts"];
const PROGRAM = "porthole.js";
/** What is in the program's first file. */
const FIRST_PACK = "";
const USUAL_PACK = "usual";
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
  "src/files/disk.ts": "saving",
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
 * @param chunks - `{ path, code }` of each file of the program, as ES modules
 * @param metafile - esbuild's account of them; what becomes one function with others is put to their account
 * @param asCommonJs - makes CommonJS of an ES module's code
 * @returns `{ path, code }` of all files that take their place
 */
export async function packed(chunks, metafile, asCommonJs) {
  const { outputs } = metafile;
  const program = chunks.find(({ path }) => basename(path) === PROGRAM).path;
  const folder = join(dirname(program), "chunks");
  const codes = new Map(chunks.map(({ path, code }) => [basename(path), code]));
  const packOf = assigned(metafile);
  const packs = new Map();
  const places = {};
  for (const { pack, names } of unitsOf(metafile, packOf)) {
    const unit = await unitOf(names, codes, outputs, asCommonJs);
    packs.set(pack, [...(packs.get(pack) ?? []), unit]);
    for (const name of unit.outward) places[name] = pack;
    for (const name of names) codes.delete(name);
    account(outputs, names);
  }
  const ahead = packs.get(FIRST_PACK);
  packs.delete(FIRST_PACK);
  const files = await Promise.all(
    [...codes].map(async ([name, code]) => ({
      path: join(folder, name),
      code: OTHERS + (await asCommonJs(code)),
    })),
  );
  const named = new Map();
  // The usual pack comes last, for it tells what is in the others.
  for (const [pack, units] of [...packs].sort(isUsualLast)) {
    const source = sourceOf(units, pack === USUAL_PACK ? placesOf(places, named) : undefined);
    // V8 tells sources apart by their length alone, so the files are named after the content.
    named.set(pack, `${pack}-${createHash("sha256").update(source).digest("hex").slice(0, 12)}`);
    files.push({ path: join(folder, `${named.get(pack)}.js`), code: source });
    // Empty is no cache yet; but it has the loader make a script of the pack, whose compiled code can be kept.
    files.push({ path: join(folder, `${named.get(pack)}.${process.versions.v8}.cache`), code: "" });
  }
  const code = FIRST.replace("UNITS", () => listOf(ahead))
    .replace("USUAL", named.get(USUAL_PACK))
    .replace("SELDOM", JSON.stringify(SELDOM));
  files.push({ path: program, code });
  return files;
}

/** Sources that have a chunk of their own, with the chunk's path. */
function entriesOf(outputs) {
  return new Map(Object.entries(outputs).map(([path, { entryPoint }]) => [entryPoint, path]));
}

/** Which chunk is in which pack: names of files to names of packs. */
function assigned({ outputs }) {
  const entries = entriesOf(outputs);
  // What the program's first file needs stays a file: --version loads no pack.
  const first = closure(outputs, [`dist/program/${PROGRAM}`]);
  const usual = USUAL.map((entry) => {
    if (!entries.has(entry)) throw new Error(`${entry} has no chunk of its own`);
    return entries.get(entry);
  });
  const packOf = new Map();
  for (const path of closure(outputs, usual)) if (!first.has(path)) packOf.set(basename(path), USUAL_PACK);
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
      if (bytes <= (isQuick ? SMALL : SHARED)) packOf.set(basename(path), isQuick ? USUAL_PACK : "shared");
    }
  }
  return packOf;
}

/**
 * What of a pack is run at once: an entry with what it imports, as far as no earlier entry brings it along. A chunk that
 * several packs share comes alone.
 *
 * @returns `{ pack, names }` of each, the program's first file before all others
 */
function unitsOf({ outputs }, packOf) {
  const entries = entriesOf(outputs);
  const protocols = [...entries.keys()].filter((entry) => PROTOCOL.test(entry ?? ""));
  const taken = new Set();
  const unit = (pack, paths) => {
    const names = paths.map((path) => basename(path)).filter((name) => !taken.has(name));
    for (const name of names) taken.add(name);
    return names.length === 0 ? [] : [{ pack, names }];
  };
  const units = unit(FIRST_PACK, [...closure(outputs, [`dist/program/${PROGRAM}`])]);
  for (const entry of [...USUAL, ...protocols, ...Object.keys(FURTHER)]) {
    const pack = packOf.get(basename(entries.get(entry)));
    const needed = [...closure(outputs, [entries.get(entry)])];
    units.push(
      ...unit(
        pack,
        needed.filter((path) => packOf.get(basename(path)) === pack),
      ),
    );
  }
  for (const [name, pack] of packOf) units.push(...unit(pack, [name]));
  return units;
}

/** @returns `{ outward, code }`: which of the chunks others ask for, and the body of the function that they become */
async function unitOf(names, codes, outputs, asCommonJs) {
  const inside = new Set(names);
  const asked = Object.entries(outputs).flatMap(([path, { imports }]) =>
    imports
      .filter(({ kind }) => kind === "dynamic-import" || !inside.has(basename(path)))
      .map((imported) => basename(imported.path)),
  );
  const outward = names.filter((name) => name === PROGRAM || asked.includes(name));
  const chunks = new Map(names.map((name) => [name, codes.get(name).replace(/^#!.*\n/, "")]));
  return { outward, code: await asCommonJs(await hoisted(chunks, outward)) };
}

/** The sources of a unit are run together, under whichever of its names they are asked for. */
function account(outputs, names) {
  const paths = Object.keys(outputs).filter((path) => names.includes(basename(path)));
  const inputs = Object.assign({}, ...paths.map((path) => outputs[path].inputs));
  for (const path of paths) outputs[path].inputs = inputs;
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

const isUsualLast = ([one], [other]) => Number(one === USUAL_PACK) - Number(other === USUAL_PACK);

/** Files of packs, with what others ask of them: text, for most of it is never looked at. */
function placesOf(places, named) {
  const names = (pack) => Object.keys(places).filter((name) => places[name] === pack);
  return Object.fromEntries([...named].map(([pack, file]) => [file, names(pack).join()]));
}

/** A pack. The parentheses around each function have V8 compile it at once instead of twice. */
function sourceOf(units, places) {
  const further = places === undefined ? "" : `, ${JSON.stringify(places)}`;
  return `"use strict";\nportholePack(${listOf(units)}${further});\n`.replace(NOT_ASCII, escaped);
}

function listOf(units) {
  const list = units.map(
    ({ outward, code }) => `[${JSON.stringify(outward)}, (function (module, exports, require) {${code}})]`,
  );
  return `[\n${list.join(",\n")}\n]`;
}

/** esbuild leaves them in regular expressions. The loader reads an octet a character, which is the fastest. */
const NOT_ASCII = /[^\0-\x7f]/g;
const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/**
 * The program's first file: what it cannot do without, and what finds the rest, so that one file is to be found and read
 * instead of five. It is short, for V8 compiles it anew each time. A chunk is looked for here, in its pack, and then as a
 * file. What V8 made of a pack is kept beside it
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
let places;
const units = new Map();
const loaded = new Map();
const scripts = new Map();
globalThis.portholePack = (held, others) => {
  for (const [names, unit] of held) for (const name of names) units.set(name, unit);
  places ??= others;
};
portholePack(UNITS);
function unpack(name) {
  const { readFileSync } = require("node:fs");
  const file = __dirname + "/chunks/" + name;
  const cache = file + "." + process.versions.v8 + ".cache";
  let cachedData;
  try {
    cachedData = readFileSync(cache);
  } catch {}
  if (cachedData === undefined) require(file + ".js");
  else {
    const { Script } = require("node:vm");
    const script = new Script(readFileSync(file + ".js", "latin1"), { filename: file + ".js", cachedData });
    scripts.set(cache, script);
    script.runInThisContext();
  }
}
function load(name) {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  if (!units.has(name)) {
    if (places === undefined) unpack("USUAL");
    if (!units.has(name)) {
      const pack = Object.keys(places).find((one) => places[one].includes(name));
      if (pack === undefined) return require("./chunks/" + name);
      unpack(pack);
    }
  }
  const module = { exports: {} };
  units.get(name)(module, module.exports, requireChunk);
  const spaces = module.exports.default;
  for (const one in spaces) loaded.set(one, Object.defineProperty(spaces[one], "__esModule", { value: true }));
  return loaded.get(name);
}
const seldom = new Map();
function later(name) {
  let facade = seldom.get(name);
  if (facade === undefined) {
    facade = new Proxy({}, {
      get: (_, key) => require(name)[key],
      // A dynamic import copies what there is.
      ownKeys: () => Reflect.ownKeys(require(name)),
      getOwnPropertyDescriptor: (_, key) =>
        Object.assign({}, Reflect.getOwnPropertyDescriptor(require(name), key), { configurable: true }),
    });
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
