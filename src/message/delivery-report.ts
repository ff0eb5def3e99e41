/** What became of a mail, as people read it: delivery reports (RFC 3464) and those of reading (RFC 8098). */
import { type Header, parseHeader } from "./headers.js";

/** Recipients that are told of one report. */
const MOST_RECIPIENTS = 100;

const ACTIONS: Readonly<Record<string, string>> = {
  failed: "was not delivered",
  delayed: "is delayed",
  delivered: "was delivered",
  relayed: "was handed on to a server that does not report",
  expanded: "was delivered to several",
};

/** Lines as they stand in the report; whoever shows them makes them harmless. */
export function deliveryLines(text: string): string[] {
  // RFC 3464, 2.1: groups of fields, parted by empty lines; the first is of the message.
  const groups = text
    .split(/\r?\n[ \t]*\r?\n/)
    .map((group) => parseHeader(`${group.replace(/^\s+/, "")}\n\n`))
    .filter(({ fields }) => fields.length > 0);
  const recipients = groups.filter((group) => addressIn(group) !== undefined);
  const told = recipients.slice(0, MOST_RECIPIENTS).flatMap(recipientLines);
  const more = recipients.length > MOST_RECIPIENTS ? [`(${recipients.length - MOST_RECIPIENTS} more)`] : [];
  const [first] = groups;
  const from = typed(first?.raw("reporting-mta") ?? first?.raw("reporting-ua"));
  return [...told, ...more, ...(from === undefined ? [] : [`Reported by ${from}`])];
}

function recipientLines(group: Header): string[] {
  const action = (group.raw("action") ?? "").toLowerCase();
  const disposition = group.raw("disposition");
  const what = ACTIONS[action] ?? (disposition === undefined ? action : `told of it: ${disposition}`);
  const status = group.raw("status");
  const told = [`${addressIn(group) ?? ""} ${what}${status === undefined ? "" : ` (${status})`}`.trim()];
  const why = typed(group.raw("diagnostic-code"));
  if (why !== undefined) told.push(`    ${why}`);
  const remote = typed(group.raw("remote-mta"));
  if (remote !== undefined) told.push(`    at ${remote}`);
  const until = group.raw("will-retry-until");
  if (until !== undefined) told.push(`    tried until ${until}`);
  return told;
}

function addressIn(group: Header): string | undefined {
  return typed(group.raw("original-recipient") ?? group.raw("final-recipient"));
}

/** `rfc822; ann@x.example` without its type. */
function typed(raw: string | undefined): string | undefined {
  return raw?.replace(/^[^;]{1,40};\s*/, "").trim();
}
