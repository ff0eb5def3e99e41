/** HTTP: which engine serves, and the session over it. */
import { join } from "node:path";
import { PortholeError } from "../../src/errors.js";
import type { Context, Options, Plugin, Session, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { commands } from "./commands.js";
import { Connector } from "./connector.js";
import type { Header, HttpEngine } from "./engine.js";
import { headerOctets } from "./header-text.js";
import { remember } from "./opened.js";
import { Requester, type RequestSettings } from "./requester.js";
import { HttpSession } from "./session.js";

const DEFAULT_REDIRECTS = 20;

export const plugin: Plugin = {
  async open(target: Target, context: Context) {
    if (target.url.scheme === "data") return (await import("./data-url.js")).dataSession(target);
    if (/^wss?$/.test(target.url.scheme)) return openWebSocket(target, context);
    const settings = await settingsOf(target, context);
    const requester = await requesterOf(target, context, settings);
    remember(target, { requester, context, ...settings });
    return new HttpSession(requester, target, context);
  },
  commands,
};

async function openWebSocket(target: Target, context: Context): Promise<Session> {
  const { webTarget, websocketSession } = await import("./websocket-session.js");
  const web = webTarget(target);
  const requester = await requesterOf(web, context, await settingsOf(web, context));
  return websocketSession(requester, target, context);
}

async function requesterOf(target: Target, context: Context, settings: RequestSettings): Promise<Requester> {
  const kind = engineFor(context);
  const connector = new Connector(context, kind === "direct");
  return new Requester(target, context, await engineOf(kind, connector, context), connector, settings);
}

async function settingsOf(target: Target, context: Context): Promise<RequestSettings> {
  const { options } = context;
  const cookies = options["cookies"];
  const name = options["session"] ?? options["session-read-only"];
  return {
    maxRedirects: maxRedirectsOf(options),
    ...methodOf(options),
    headers: headersOf(options),
    ...(options["dav"] === true ? { dav: true } : {}),
    ...(typeof cookies === "string"
      ? { cookies: (await import("./cookies.js")).Cookies.inFile(cookies) }
      : {}),
    ...(await cacheOf(options, context.stateFolder)),
    ...(typeof name === "string"
      ? {
          session: await (await import("./named-session.js")).NamedSession.open(
            name,
            target,
            context.stateFolder,
            options["session"] === undefined,
          ),
        }
      : {}),
  };
}

/** `--cache`, `--cache-folder DIR`. @throws PortholeError `usage` when there is no folder for it */
async function cacheOf(options: Options, state: string | undefined): Promise<Pick<RequestSettings, "cache">> {
  const given = options["cache-folder"];
  if (options["cache"] !== true && typeof given !== "string") return {};
  const folder =
    typeof given === "string" ? given : state === undefined ? undefined : join(state, "http-cache");
  if (folder === undefined) {
    throw new PortholeError("usage", "there is no folder for the cache", {
      hint: "--cache-folder names one",
    });
  }
  return { cache: new (await import("./cache.js")).ResponseCache(folder) };
}

type EngineKind = "direct" | "node" | "undici";

/** What speaks HTTP/1.1 over the connection itself is the quickest in all (docs/performance.md); undici has HTTP/2. */
function engineFor({ options }: Context): EngineKind {
  const wanted = options["http-engine"] ?? "auto";
  const second = options["http2"] === true;
  if (second && wanted !== "auto" && wanted !== "undici") {
    throw new PortholeError("usage", "--http2 is for the engine undici", { hint: "leave out --http-engine" });
  }
  if (second || wanted === "undici") return "undici";
  return wanted === "node" ? "node" : "direct";
}

async function engineOf(kind: EngineKind, connector: Connector, { options }: Context): Promise<HttpEngine> {
  switch (kind) {
    case "undici":
      return new (await import("./engines/undici.js")).UndiciEngine(connector, options["http2"] !== false);
    case "node":
      return new (await import("./engines/node.js")).NodeEngine(connector);
    case "direct":
      return new (await import("./engines/direct.js")).DirectEngine(connector);
  }
}

/** @throws PortholeError `usage` */
function maxRedirectsOf(options: Options): number {
  const given = Number(options["max-redirects"] ?? DEFAULT_REDIRECTS);
  if (Number.isInteger(given) && given >= 0) return given;
  throw new PortholeError("usage", "--max-redirects wants a whole number from 0 on");
}

/** `--method WORD`, `--data TEXT`: how a document is asked for. @throws PortholeError `usage` */
function methodOf(options: Options): Pick<RequestSettings, "method" | "data"> {
  const { method, data } = options;
  if (typeof method === "string" && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) {
    throw new PortholeError("usage", `'${method}' is no method`);
  }
  const texts: readonly string[] = Array.isArray(data) ? data : [];
  return {
    ...(typeof method === "string" ? { method } : {}),
    ...(texts.length > 0 ? { data: texts } : {}),
  };
}

/** `--header "Name: value"`, `--user-agent TEXT`. @throws PortholeError `usage` */
function headersOf(options: Options): Header[] {
  const given = options["header"];
  const agent = options["user-agent"];
  const lines = [
    ...(typeof agent === "string" ? [`User-Agent: ${agent}`] : []),
    ...(Array.isArray(given) ? given : []),
  ];
  return lines.map((line) => {
    refuseControls(line, "a header");
    const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/.exec(line);
    if (parts === null) {
      throw new PortholeError("usage", `'${line}' is not a header`, { hint: 'write --header "Name: value"' });
    }
    return [parts[1] ?? "", headerOctets(parts[2] ?? "")];
  });
}
