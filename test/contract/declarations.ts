/** What manifests declare: data, once, and nothing that two of them understand differently. */
import { join } from "node:path";
import { buildSync } from "esbuild";
import { describe, expect, it } from "vitest";
import { ALL_SHARED } from "../../src/cli/shared-options.js";
import { OPEN, WORDS } from "../../src/cli/verbs.js";
import { Client } from "../../src/client.js";
import type { Manifest, OptionSpec, Verb } from "../../src/plugin.js";
import { CONTAINERS, VERB_METHODS } from "../../src/plugin.js";
import { MANIFESTS } from "../../src/registry.js";
import { need, type Room, urlOf } from "./place.js";
import { visit } from "./visit.js";

interface Declared {
  /** Who declares it. */
  readonly by: string;
  readonly option: OptionSpec;
}

/** @param commandsOf the protocol whose commands count; all when absent */
function declaredOptions(commandsOf?: string): Declared[] {
  const from = (by: string, options: readonly OptionSpec[]) => options.map((option) => ({ by, option }));
  return [
    ...from("all protocols", ALL_SHARED),
    ...[OPEN, ...WORDS].flatMap((word) => from(word.name, word.options)),
    ...MANIFESTS.flatMap(({ name, options, commands }: Manifest) => [
      ...from(name, options),
      ...(commandsOf === undefined || commandsOf === name ? commands : []).flatMap((command) =>
        from(`${name} ${command.name}`, command.options ?? []),
      ),
    ]),
  ];
}

/** What is declared in two ways, as `--flag: how by whom, how by whom`. */
function contradictions(
  declared: readonly Declared[],
  keyOf: (option: OptionSpec) => string | undefined,
  waysOf: (option: OptionSpec) => string,
): string[] {
  const ways = new Map<string, Map<string, string>>();
  for (const { by, option } of declared) {
    const key = keyOf(option);
    if (key === undefined) continue;
    const known = ways.get(key) ?? new Map<string, string>();
    ways.set(key, known.set(waysOf(option), by));
  }
  return [...ways]
    .filter(([, known]) => known.size > 1)
    .map(([key, known]) => `${key}: ${[...known].map(([way, by]) => `${way} by ${by}`).join(", ")}`);
}

/** Holds for all rows of the table, built or not. */
export function describeDeclarations(): void {
  describe("the manifests", () => {
    it("know the options of every command that their commands explain", () => {
      const known = new Set<string>(ALL_SHARED.map(({ flag }) => flag));
      const unknown = MANIFESTS.flatMap(({ commands }: Manifest) =>
        commands.flatMap(({ name, shared = {} }) =>
          Object.keys(shared)
            .filter((flag) => !known.has(flag))
            .map((flag) => `${name}: ${flag}`),
        ),
      );
      expect(unknown).toEqual([]);
    });

    it("are ten, each with a name of its own", () => {
      expect(MANIFESTS.map(({ name }) => name)).toEqual([
        "http",
        "nntp",
        "ftp",
        "smtp",
        "pop3",
        "imap",
        "telnet",
        "gopher",
        "socket",
        "local",
      ]);
    });

    it("share no scheme", () => {
      const schemes = MANIFESTS.flatMap(({ schemes }) => Object.keys(schemes));
      expect(schemes.filter((scheme, at) => schemes.indexOf(scheme) !== at)).toEqual([]);
      expect(schemes.filter((scheme) => !/^[a-z][a-z0-9+.-]*$/.test(scheme))).toEqual([]);
    });

    it("declare verbs exactly when there is something to load", () => {
      const halfBuilt = MANIFESTS.filter(
        (manifest: Manifest) => (manifest.load === undefined) !== (manifest.verbs.length === 0),
      );
      expect(halfBuilt.map(({ name }) => name)).toEqual([]);
    });

    it("are data: to read them loads no other module", () => {
      const paths = MANIFESTS.map(({ name }) => `protocols/${name}/manifest.ts`);
      const { metafile } = buildSync({
        absWorkingDir: join(import.meta.dirname, "..", ".."),
        entryPoints: paths,
        bundle: true,
        splitting: true,
        format: "esm",
        platform: "node",
        packages: "external",
        outdir: "dist",
        write: false,
        metafile: true,
      });
      const imported = paths.flatMap((path) =>
        need(metafile.inputs[path], path).imports.filter(({ kind }) => kind !== "dynamic-import"),
      );
      expect(imported).toEqual([]);
    });

    it("agree with each other, with the verbs and with the shared options on what a flag is", () => {
      const way = ({ type, alias = "no alias" }: OptionSpec) => `${type} with ${alias}`;
      // A command's own flag may mean another thing in another protocol: the line begins with both their names.
      for (const { name } of MANIFESTS) {
        const declared = declaredOptions(name);
        expect(declared.length).toBeGreaterThan(50);
        expect(contradictions(declared, ({ flag }) => `--${flag}`, way)).toEqual([]);
      }
    });

    it("agree on what a letter stands for, but for commands that the line begins with", () => {
      const everywhere = declaredOptions("");
      const letter = ({ alias }: OptionSpec) => alias;
      const flag = ({ flag: name }: OptionSpec) => `--${name}`;
      expect(contradictions(everywhere, letter, flag)).toEqual([]);
      const own = MANIFESTS.flatMap(({ name, commands }: Manifest) =>
        commands.map((command) =>
          (command.options ?? []).map((option) => ({ by: `${name} ${command.name}`, option })),
        ),
      );
      for (const declared of own) expect(contradictions(declared, letter, flag)).toEqual([]);
    });
  });
}

/** Holds for a protocol that has code. */
export function describeOffers(room: Room): void {
  const { manifest } = room;

  it("offers the methods of the verbs it declares, and no others", async () => {
    await visit(room, async (session) => {
      const methods: ReadonlySet<string> = new Set(Object.values(VERB_METHODS));
      const there = Object.keys(session).filter((name) => methods.has(name));
      expect(there.sort()).toEqual([...room.methods].sort());
    });
  });

  it("says of a path what it is, if it says so, as its listing and its documents do", async () => {
    const { listable, readable } = room.place;
    await visit(room, async (session) => {
      const kinds = [listable, readable?.path].map((path) =>
        path === undefined ? undefined : session.kindOf?.(path),
      );
      const [container = "directory", document = "file"] = kinds;
      // A page is read, and its links are listed.
      expect([CONTAINERS.has(container) || container === "page", CONTAINERS.has(document)]).toEqual([
        true,
        false,
      ]);
    });
  });

  it("has code for the commands it declares, and no others", async () => {
    const plugin = await need(manifest.load, "code")();
    expect(Object.keys(plugin.commands).sort()).toEqual(manifest.commands.map(({ name }) => name).sort());
  });

  it("is refused, before anything is sent, for a verb that it lacks", () => {
    const client = new Client();
    const target = client.target(urlOf(room));
    const own: readonly Verb[] = manifest.verbs;
    expect(() => client.require(target, "juggle", [])).toThrow(
      expect.objectContaining({
        code: "usage",
        exit: 2,
        protocol: manifest.name,
        message: `juggle is not for ${manifest.title}`,
        // There is no verb for a session at a terminal: the bare URL begins it.
        hint: `it can ${own.filter((verb) => verb !== "interact").join(", ")}${
          own.includes("interact") ? "; its bare URL begins a session" : ""
        }`,
      }),
    );
    for (const verb of own) expect(client.require(target, verb, [verb])).toBeUndefined();
  });
}
