import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../src/client.js";
import { installedPlugins, loadPlugins, nodeModulesAbove, pluginNames } from "../src/plugin-search.js";
import { Registry } from "../src/registry.js";

const load = (url: string): Promise<unknown> => import(url);

const MANIFEST = `{
  name: "finger",
  title: "Finger",
  summary: "who is who",
  schemes: { finger: { port: 79, tls: "never" } },
  verbs: ["get"],
  options: [],
  commands: [],
  load: async () => ({ open: async () => ({ read: async () => {}, [Symbol.asyncDispose]: async () => {} }), commands: {} }),
}`;

let root = "";

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "porthole-plugins-"));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Writes a package; the files by their paths in it. */
async function install(
  folder: string,
  name: string,
  facts: Readonly<Record<string, unknown>> | string,
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  await mkdir(join(folder, name, "lib"), { recursive: true });
  const text = typeof facts === "string" ? facts : JSON.stringify({ name, type: "module", ...facts });
  await writeFile(join(folder, name, "package.json"), text);
  for (const [path, content] of Object.entries(files)) await writeFile(join(folder, name, path), content);
}

describe("PORTHOLE_PLUGINS", () => {
  it("lists names, parted by commas or blanks, once each", () => {
    expect(pluginNames()).toEqual([]);
    expect(pluginNames(" ")).toEqual([]);
    expect(pluginNames("porthole-plugin-finger")).toEqual(["porthole-plugin-finger"]);
    expect(pluginNames("porthole-plugin-a, porthole-plugin-b,porthole-plugin-a,")).toEqual([
      "porthole-plugin-a",
      "porthole-plugin-b",
    ]);
  });

  it.each([
    "finger",
    "porthole-plugin-",
    "porthole-plugin-../../x",
    "./porthole-plugin-x",
    "PORTHOLE-PLUGIN-X",
  ])("refuses %s", (name) => {
    expect(() => pluginNames(`porthole-plugin-a,${name}`)).toThrow(
      expect.objectContaining({
        code: "usage",
        exit: 2,
        message: `'${name}' is not the name of a plugin`,
      }),
    );
  });
});

describe("installed plugins", () => {
  it("are looked for where Node looks for packages", () => {
    expect(nodeModulesAbove(join("/", "srv", "app"))).toEqual([
      join("/", "srv", "app", "node_modules"),
      join("/", "srv", "node_modules"),
      join("/", "node_modules"),
    ]);
  });

  it("are found by their names, the nearest first, and not loaded", async () => {
    const near = join(root, "near");
    const far = join(root, "far");
    const bomb = { "index.js": "throw new Error('loaded unasked')" };
    await install(near, "porthole-plugin-finger", {}, bomb);
    await install(far, "porthole-plugin-finger", {}, bomb);
    await install(far, "porthole-plugin-dict", {}, bomb);
    await install(far, "porthole", {}, bomb);
    await install(far, "my-porthole-plugin-x", {}, bomb);
    expect(await installedPlugins([near, far, join(root, "nowhere")])).toEqual([
      { name: "porthole-plugin-dict", folder: join(far, "porthole-plugin-dict") },
      { name: "porthole-plugin-finger", folder: join(near, "porthole-plugin-finger") },
    ]);
  });
});

describe("a plugin asked for", () => {
  it("gives its manifest, which a registry takes", async () => {
    await install(root, "porthole-plugin-finger", {}, { "index.js": `export const manifest = ${MANIFEST};` });
    const manifests = await loadPlugins(["porthole-plugin-finger"], [root], load);
    expect(manifests.map(({ name }) => name)).toEqual(["finger"]);
    const registry = new Registry();
    for (const manifest of manifests) registry.register(manifest);
    const client = new Client({ registry });
    const session = await client.open(client.target("finger://host.example/harry"));
    expect(Object.keys(session)).toEqual(["read"]);
    await session[Symbol.asyncDispose]();
  });

  it.each([
    ["exports", { exports: "./lib/main.js" }],
    ["exports of the package itself", { exports: { ".": "./lib/main.js", "./other": "./other.js" } }],
    ["exports for import", { exports: { ".": { require: "./old.cjs", import: "./lib/main.js" } } }],
    ["exports by default", { exports: { types: "./main.d.ts", node: { default: "./lib/main.js" } } }],
    ["main", { main: "lib/main.js" }],
  ])("is loaded by what its package.json has as %s", async (_name, facts) => {
    await install(root, "porthole-plugin-finger", facts);
    const loaded: string[] = [];
    const manifest = { ...(await exampleManifest()) };
    const given = await loadPlugins(["porthole-plugin-finger"], [root], async (url) => {
      loaded.push(url);
      return { manifest };
    });
    expect(loaded).toEqual([pathToFileURL(join(root, "porthole-plugin-finger", "lib", "main.js")).href]);
    expect(given).toEqual([manifest]);
  });

  it("loads no other that lies beside it", async () => {
    await install(root, "porthole-plugin-finger", {}, { "index.js": `export const manifest = ${MANIFEST};` });
    await install(root, "porthole-plugin-bomb", {}, { "index.js": "throw new Error('loaded unasked')" });
    expect(await loadPlugins([], [root], load)).toEqual([]);
    expect((await loadPlugins(["porthole-plugin-finger"], [root], load)).length).toBe(1);
  });

  it("is missed by its name, and the nearest one is told", async () => {
    await install(root, "porthole-plugin-finger", {});
    await expect(loadPlugins(["porthole-plugin-fingr"], [root], load)).rejects.toMatchObject({
      code: "usage",
      exit: 2,
      message: "the plugin porthole-plugin-fingr is not installed",
      hint: "did you mean porthole-plugin-finger?",
    });
    await expect(loadPlugins(["porthole-plugin-dict"], [root], load)).rejects.toMatchObject({
      hint: "install it, or take it out of PORTHOLE_PLUGINS",
    });
  });

  it.each([
    ["a package.json that is none", "{", {}, "its package.json cannot be read: ."],
    ["a package.json that is a list", "[]", {}, "its package.json is not an object$"],
    ["a main module that is a number", { main: 1 }, {}, "its package.json names no main module$"],
    ["a main module elsewhere", { main: "../../x.js" }, {}, "its main module is not in its folder$"],
    ["no main module", {}, {}, "it cannot be loaded: ."],
    [
      "a main module that throws",
      {},
      { "index.js": "throw new Error('no luck')" },
      "it cannot be loaded: no luck$",
    ],
    ["nothing to offer", {}, { "index.js": "export const manifests = [];" }, "it exports no manifest$"],
  ])("with %s is an error", async (_name, facts, files, why) => {
    await install(root, "porthole-plugin-finger", facts, files);
    await expect(loadPlugins(["porthole-plugin-finger"], [root], load)).rejects.toMatchObject({
      code: "usage",
      exit: 2,
      message: expect.stringMatching(new RegExp(`^the plugin porthole-plugin-finger cannot be used: ${why}`)),
      hint: `it is in ${join(root, "porthole-plugin-finger")}`,
    });
  });

  it.each([
    ["name", "Finger!"],
    ["title", ""],
    ["summary", undefined],
    ["schemes", { finger: { port: 79 } }],
    ["schemes", { finger: { port: 70_000, tls: "never" } }],
    ["schemes", { "no scheme": { tls: "never" } }],
    ["verbs", ["get", "juggle"]],
    ["verbs", "get"],
    ["options", [{ type: "string" }]],
    ["commands", [{}]],
    ["load", undefined],
  ])("with a manifest whose '%s' is %j is an error", async (key, value) => {
    await install(root, "porthole-plugin-finger", {});
    const manifest = { ...(await exampleManifest()), [key]: value };
    await expect(
      loadPlugins(["porthole-plugin-finger"], [root], async () => ({ manifest })),
    ).rejects.toMatchObject({
      code: "usage",
      message: `the plugin porthole-plugin-finger cannot be used: its manifest has no proper '${key}'`,
    });
  });
});

async function exampleManifest(): Promise<object> {
  const module: { manifest: object } = await import(
    `data:text/javascript,export const manifest = ${encodeURIComponent(MANIFEST)};`
  );
  return module.manifest;
}
