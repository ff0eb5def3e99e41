/** HTTP: which engine serves, and the session over it. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Options, Plugin, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { Connector } from "./connector.js";
import type { Header, HttpEngine } from "./engine.js";
import { headerOctets } from "./header-text.js";
import { Requester } from "./requester.js";
import { HttpSession } from "./session.js";

const DEFAULT_REDIRECTS = 20;

export const plugin: Plugin = {
  async open(target: Target, context: Context) {
    const settings = { maxRedirects: maxRedirectsOf(context.options), headers: headersOf(context.options) };
    const connector = new Connector(context);
    const engine = await chooseEngine(connector, context);
    return new HttpSession(new Requester(target, context, engine, connector, settings), target.path);
  },
  commands: {},
};

/** node:http starts in a tenth of undici's time; undici pays off with several connections (docs/performance.md). */
async function chooseEngine(connector: Connector, context: Context): Promise<HttpEngine> {
  const wanted = context.options["http-engine"] ?? "auto";
  if (wanted === "undici" || (wanted === "auto" && context.policy.jobs > 1)) {
    const { UndiciEngine } = await import("./engines/undici.js");
    return new UndiciEngine(connector);
  }
  const { NodeEngine } = await import("./engines/node.js");
  return new NodeEngine(connector);
}

/** @throws PortholeError `usage` */
function maxRedirectsOf(options: Options): number {
  const given = Number(options["max-redirects"] ?? DEFAULT_REDIRECTS);
  if (Number.isInteger(given) && given >= 0) return given;
  throw new PortholeError("usage", "--max-redirects wants a whole number from 0 on");
}

/** `--header "Name: value"`. @throws PortholeError `usage` */
function headersOf(options: Options): Header[] {
  const given = options["header"];
  const lines = Array.isArray(given) ? given : [];
  return lines.map((line) => {
    refuseControls(line, "a header");
    const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/.exec(line);
    if (parts === null) {
      throw new PortholeError("usage", `'${line}' is not a header`, { hint: 'write --header "Name: value"' });
    }
    return [parts[1] ?? "", headerOctets(parts[2] ?? "")];
  });
}
