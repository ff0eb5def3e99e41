/** `porthole config`: where the configuration is, what holds, and from which source each value came. */
import { effective } from "../../config.js";
import type { OptionValue } from "../../plugin.js";
import { safeLine } from "../../text/safe.js";
import { table } from "../../text/table.js";
import { formatUrl, parseUrl, withoutPassword } from "../../url.js";
import type { Desk } from "../command.js";
import { jsonLine } from "../json-line.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { config, schema, terminal, flags, options } = desk;
  const { environment } = terminal;
  const sections = [undefined, ...Object.keys(schema.protocols)];
  const shared = new Set(schema.shared.map(({ flag }) => flag));
  const values = sections.flatMap((protocol) =>
    effective({ schema, config, environment, flags, protocol })
      .filter(({ key, value }) => value !== undefined && (protocol === undefined || !shared.has(key)))
      .map(({ key, value, source }) => ({
        key: protocol === undefined ? key : `${protocol}.${key}`,
        value: withoutSecret(key, value),
        source,
      })),
  );
  const accounts = [...config.accounts.values()].map(({ name, url, source, ...secrets }) => ({
    name,
    // Never the password, wherever it stands.
    url: formatUrl(parseUrl(url)),
    secret: secretOf(secrets, url),
    source,
  }));
  if (options["json"] === true) {
    await terminal.write(jsonLine({ file: config.path ?? null, found: config.found }));
    for (const { key, value, source } of values) await terminal.write(jsonLine({ key, value, source }));
    for (const account of accounts) await terminal.write(jsonLine({ account: account.name, ...account }));
    return undefined;
  }
  const width = terminal.outputIsTerminal ? terminal.columns : Number.POSITIVE_INFINITY;
  const state =
    config.path === undefined ? "none (--no-config)" : `${config.path}${config.found ? "" : " (not there)"}`;
  const lines = [`file      ${state}`, ""];
  if (values.length === 0) lines.push("No option is set; every default holds.");
  else {
    const rows = values.map(({ key, value, source }) => [key, safeLine(String(value)), source]);
    lines.push(...table(titled("option", "value", "from"), rows, width));
  }
  if (accounts.length > 0) {
    const rows = accounts.map(({ name, url, secret, source }) => [
      `@${safeLine(name)}`,
      safeLine(url),
      secret,
      source,
    ]);
    lines.push("", ...table(titled("account", "URL", "secret", "from"), rows, width));
  }
  await terminal.write(`${lines.join("\n")}\n`);
  return undefined;
}

/** What an option holds, as far as it may be seen. */
function withoutSecret(key: string, value: OptionValue): OptionValue {
  if (key === "header" && Array.isArray(value)) {
    return value.map((line: string) =>
      line.replace(/^((?:proxy-)?authorization|(?:set-)?cookie2?)\s*:.*/is, "$1: [masked]"),
    );
  }
  if (typeof value !== "string") return value;
  if (key === "user") return value.replace(/:.*/s, ":[masked]");
  return key === "proxy" ? withoutPassword(value) : value;
}

function secretOf(
  account: { password?: string; passwordCommand?: string; oauth2TokenCommand?: string },
  url: string,
) {
  if (account.passwordCommand !== undefined) return "password-command";
  if (account.oauth2TokenCommand !== undefined) return "oauth2-token-command";
  return account.password !== undefined || parseUrl(url).password !== undefined ? "password" : "none";
}

function titled(...titles: string[]): { title: string; flexible: true }[] {
  return titles.map((title) => ({ title, flexible: true }));
}
