/** `porthole protocols`: the table, from the registered manifests. */
import type { Manifest } from "../../plugin.js";
import type { Desk } from "../command.js";
import { jsonLine } from "../json-line.js";
import { verbsOf } from "../verbs.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { terminal, registry, options } = desk;
  if (options["json"] === true) {
    for (const manifest of registry.manifests) await terminal.write(jsonLine(rowJson(manifest)));
    return undefined;
  }
  const rows = registry.manifests.map((manifest) => [
    manifest.name,
    schemesOf(manifest),
    verbsOf(manifest).join(" ") || "not yet",
    manifest.summary,
  ]);
  const { table } = await import("../../text/table.js");
  const columns = [
    { title: "protocol" },
    { title: "schemes and ports", flexible: true },
    { title: "verbs", flexible: true },
    { title: "purpose", flexible: true },
  ];
  const width = terminal.outputIsTerminal ? terminal.columns : Number.POSITIVE_INFINITY;
  const lines = table(columns, rows, width);
  await terminal.write(lines.map((line) => `${line}\n`).join(""));
  return undefined;
}

function schemesOf(manifest: Manifest): string {
  return Object.entries(manifest.schemes)
    .map(([scheme, { port }]) => (port === undefined ? scheme : `${scheme} ${port}`))
    .join(", ");
}

function rowJson(manifest: Manifest): object {
  return {
    name: manifest.name,
    title: manifest.title,
    summary: manifest.summary,
    schemes: manifest.schemes,
    verbs: verbsOf(manifest),
    commands: manifest.commands.map(({ name, summary }) => ({ name, summary })),
  };
}
