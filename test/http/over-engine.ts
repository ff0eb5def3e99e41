/** The engines over the real dialer, as the tests ask them. */
import { buffer } from "node:stream/consumers";
import { type Script, type ScriptedServer, scripted } from "../../fixtures/servers/scripted.js";
import { Connector } from "../../protocols/http/connector.js";
import type { Header, HttpEngine, HttpResponse, RequestBody } from "../../protocols/http/engine.js";
import { DirectEngine } from "../../protocols/http/engines/direct.js";
import { NodeEngine } from "../../protocols/http/engines/node.js";
import { UndiciEngine } from "../../protocols/http/engines/undici.js";
import { Dialer } from "../../src/net/dialer.js";
import type { Endpoint } from "../../src/net/endpoint.js";
import type { NetworkSettings } from "../../src/net/settings.js";

export type EngineName = "direct" | "node" | "undici";

export const ENGINES: readonly EngineName[] = ["direct", "node", "undici"];

const MAKERS: Readonly<Record<EngineName, (connector: Connector) => HttpEngine>> = {
  direct: (connector) => new DirectEngine(connector),
  node: (connector) => new NodeEngine(connector),
  undici: (connector) => new UndiciEngine(connector),
};

export interface Ask {
  readonly method?: string;
  readonly headers?: readonly Header[];
  readonly body?: RequestBody;
  readonly signal?: AbortSignal;
}

export interface Asker extends AsyncDisposable {
  readonly connector: Connector;
  ask(url: string, ask?: Ask): Promise<HttpResponse>;
  close(): Promise<void>;
}

/** @param signal ends the connections too, as a Client's does */
export function asker(
  name: EngineName,
  network: Partial<NetworkSettings> = {},
  signal = new AbortController().signal,
): Asker {
  const dialer = new Dialer(network);
  const dialing = {
    dial: (endpoint: Endpoint) => dialer.dial(endpoint, signal),
    forwardProxy: (endpoint: Endpoint) => dialer.forwardProxy(endpoint),
  };
  const connector = new Connector(dialing, name === "direct");
  const engine = MAKERS[name](connector);
  const close = () => engine.close();
  return {
    connector,
    close,
    [Symbol.asyncDispose]: close,
    ask: (text, { method = "GET", headers = [], body, signal: own = signal } = {}) => {
      const url = new URL(text);
      const scheme = url.protocol === "https:" ? "https" : "http";
      return engine.request({
        method,
        origin: { scheme, host: url.hostname, port: Number(url.port) },
        path: `${url.pathname}${url.search}`,
        headers,
        ...(body === undefined ? {} : { body }),
        signal: own,
      });
    },
  };
}

/** What came of a request, fit to be compared: `200 hello`, or `protocol: the words` with the stage it failed at. */
export async function outcome(answer: Promise<HttpResponse>): Promise<string> {
  let response: HttpResponse;
  try {
    response = await answer;
  } catch (thrown) {
    return `no answer, ${wordsOf(thrown)}`;
  }
  try {
    const octets = await buffer(response.body);
    return `${response.status} ${octets.length > 100 ? `${octets.length} octets` : octets.toString("latin1")}`;
  } catch (thrown) {
    return `${response.status}, then ${wordsOf(thrown)}`;
  }
}

function wordsOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const code = "code" in thrown ? String(thrown.code) : thrown.name;
  return `${code}: ${thrown.message}`;
}

/** Runs `act` against a scripted server; both ends are closed afterwards, whatever happened. */
export async function against(
  name: EngineName,
  play: Script | readonly Script[],
  act: (asker: Asker, server: ScriptedServer) => Promise<void>,
  network: Partial<NetworkSettings> = {},
): Promise<void> {
  await using server = await scripted(play, { timeout: 5000 });
  await using asking = asker(name, network);
  await act(asking, server);
}
