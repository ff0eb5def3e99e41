/** A protocol that Porthole has never heard of, given to a Registry: all else works without a change. */
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { conversation, script, scripted } from "../fixtures/servers/scripted.js";
import { Client } from "../src/client.js";
import { PortholeError } from "../src/errors.js";
import type { Context, Manifest, Plugin, Session, Target } from "../src/plugin.js";
import { MANIFESTS, Registry } from "../src/registry.js";
import { decodeOctets } from "../src/url.js";

/** Finger (RFC 1288): a name and CRLF, and then what the server says until it closes. */
const plugin: Plugin = {
  open: async (target, context) => fingerSession(target, context),
  commands: {},
};

function fingerSession(target: Target, context: Context): Session {
  return {
    async read(path) {
      const name = decodeOctets(path.replace(/^\//, "")).toString("latin1");
      const connection = await context.dial({
        host: target.host,
        port: target.port,
        scheme: target.url.scheme,
      });
      connection.write(`${context.options["verbose-finger"] === true ? "/W " : ""}${name}\r\n`);
      connection.once("close", () => context.note("all is said"));
      return {
        entry: { url: target.href(path), name, kind: "page", meta: { server: target.host } },
        type: "text/plain",
        offset: 0,
        body: connection,
      };
    },
    async stat() {
      throw new PortholeError("missing", "nobody of that name");
    },
    async [Symbol.asyncDispose]() {},
  };
}

function fingerManifest(load: () => Promise<Plugin> = async () => plugin): Manifest {
  return {
    name: "finger",
    title: "Finger",
    summary: "who is who",
    schemes: { finger: { port: 79, tls: "never" } },
    verbs: ["get", "stat"],
    options: [{ flag: "verbose-finger", type: "boolean", summary: "ask for more" }],
    commands: [],
    load,
  };
}

function registryWith(manifest: Manifest): Registry {
  const registry = new Registry();
  registry.register(manifest);
  return registry;
}

describe("a protocol that is registered", () => {
  it("is a row among the others", () => {
    const registry = registryWith(fingerManifest());
    expect(registry.manifests.length).toBe(MANIFESTS.length + 1);
    expect(registry.named("finger")?.title).toBe("Finger");
    expect(registry.forScheme("finger")?.scheme.port).toBe(79);
    expect(registry.schemes).toContain("finger");
    expect(new Registry().named("finger")).toBeUndefined();
  });

  it("has its URLs resolved, without being loaded", () => {
    let loaded = 0;
    const manifest = fingerManifest(async () => {
      loaded += 1;
      return plugin;
    });
    const client = new Client({ registry: registryWith(manifest) });
    const target = client.target("finger://me:secret@host.example/harry%20b");
    expect(target).toMatchObject({
      protocol: "finger",
      tls: "never",
      host: "host.example",
      port: 79,
      path: "/harry%20b",
    });
    expect(target.href("/sally")).toBe("finger://me@host.example/sally");
    expect(client.target("finger://host.example:7979").port).toBe(7979);
    expect(client.manifestOf(target)).toBe(manifest);
    expect(loaded).toBe(0);
  });

  it("has its scheme among those that are guessed, and is unknown to others", () => {
    const client = new Client({ registry: registryWith(fingerManifest()) });
    expect(() => client.target("fingr://host.example/")).toThrow(
      expect.objectContaining({ code: "usage", exit: 2, hint: "did you mean finger:?" }),
    );
    expect(() => client.target("finger:///harry")).toThrow(
      expect.objectContaining({ code: "usage", protocol: "finger", hint: "write finger://HOST/" }),
    );
    expect(() => new Client().target("finger://host.example/")).toThrow(
      expect.objectContaining({ code: "usage", message: "unknown scheme 'finger:'" }),
    );
  });

  it("is opened over the dialer, with its options and the transcript", async () => {
    await using server = await scripted(conversation("C: /W harry b\nS: Harry is in.\nS drop"));
    const client = new Client({
      registry: registryWith(fingerManifest()),
      options: (protocol) => ({ "verbose-finger": protocol === "finger" }),
    });
    const said: string[] = [];
    client.transcript.subscribe(({ text: words, bytes }) => said.push(words ?? bytes?.toString() ?? ""));
    const target = client.target(server.url("finger", "/harry%20b"));
    const content = await client.use(target, async (session) => {
      const document = await session.read?.(target.path);
      expect(document?.entry.url).toBe(server.url("finger", "/harry%20b"));
      return document === undefined ? "" : text(document.body);
    });
    await server.done;
    expect(content).toBe("Harry is in.\r\n");
    expect(said).toContain("/W harry b\r\n");
    expect(said).toContain("Harry is in.\r\n");
  });

  it("is supervised like the others", async () => {
    await using server = await scripted(script().expect("harry").send("He").eof());
    const client = new Client({ registry: registryWith(fingerManifest()) });
    const session = await client.open(client.target(server.url("finger")));
    expect(Object.keys(session).sort()).toEqual(["read", "stat"]);
    await expect(session.read?.("/harry\r\nsally")).rejects.toMatchObject({
      code: "usage",
      protocol: "finger",
    });
    await expect(session.stat?.("/nobody")).rejects.toMatchObject({ code: "missing", protocol: "finger" });
    expect(server.connections).toEqual([]);
    const document = await session.read?.("/harry");
    await expect(session.stat?.("/harry")).rejects.toMatchObject({
      code: "usage",
      message: "stat() was called while read() is still at work",
    });
    document?.body.destroy();
    await server.done;
    await session[Symbol.asyncDispose]();
    await expect(session.stat?.("/harry")).rejects.toMatchObject({
      code: "usage",
      message: "stat() was called after the session was closed",
    });
  });

  it("is refused for what it cannot do, before it connects", () => {
    const client = new Client({ registry: registryWith(fingerManifest()) });
    const target = client.target("finger://host.example/");
    expect(client.require(target, "get", ["get"])).toBeUndefined();
    expect(() => client.require(target, "ls", ["ls"])).toThrow(
      expect.objectContaining({
        code: "usage",
        exit: 2,
        protocol: "finger",
        message: "ls is not for Finger",
        hint: "it can get, stat",
      }),
    );
  });

  it("has its failures named after it", async () => {
    const manifest = fingerManifest(async () => ({
      open: () => Promise.reject(Object.assign(new Error("refused"), { code: "ECONNREFUSED" })),
      commands: {},
    }));
    const client = new Client({ registry: registryWith(manifest) });
    await expect(client.open(client.target("finger://host.example/"))).rejects.toMatchObject({
      name: "PortholeError",
      code: "connect",
      protocol: "finger",
    });
  });

  it("cannot take another's name or scheme", () => {
    const registry = registryWith(fingerManifest());
    expect(() => registry.register(fingerManifest())).toThrow("two protocols are named finger");
    expect(() => registry.register({ ...fingerManifest(), name: "finger2" })).toThrow(
      "finger2 and finger both claim finger:",
    );
    expect(() =>
      registry.register({ ...fingerManifest(), name: "web", schemes: { https: { tls: "always" } } }),
    ).toThrow("web and http both claim https:");
  });
});
