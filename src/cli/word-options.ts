/** Options of the words that people type, by what they are for. Those of every word stand in shared-options.ts. */
import type { OptionSpec } from "../plugin.js";

export const LIMIT = { flag: "limit", type: "number", placeholder: "N", summary: "stop after N" } as const;
export const LONG = {
  flag: "long",
  alias: "l",
  type: "boolean",
  summary: "kind, size, date and name",
} as const;
export const RECURSIVE = {
  flag: "recursive",
  alias: "r",
  type: "boolean",
  summary: "and all beneath it",
} as const;
export const SORTING: readonly OptionSpec[] = [
  {
    flag: "sort",
    type: "string",
    choices: ["name", "size", "time"],
    summary: "in this order: names, the largest first, the newest first",
  },
  { flag: "reverse", type: "boolean", summary: "the other way round" },
];
export const FORCE = {
  flag: "force",
  alias: "f",
  type: "boolean",
  summary: "replace an existing target",
} as const;
export const RESUME = { flag: "resume", type: "boolean", summary: "continue a partial one" } as const;
/** Of what is carried by the way of many: nothing is wrong with what is larger. */
export const MAX_SIZE = {
  flag: "max-size",
  type: "string",
  placeholder: "BYTES",
  summary:
    "pass over what is larger, and tell how many: 1500, 64k, 5M; a later run with a higher bound takes it",
} as const;
export const YES = { flag: "yes", alias: "y", type: "boolean", summary: "do not ask" } as const;
export const SAVING: readonly OptionSpec[] = [
  { flag: "output", alias: "o", type: "string", placeholder: "FILE", summary: "write to FILE" },
  {
    flag: "remote-name",
    alias: "O",
    type: "boolean",
    summary: "write to a file with the remote name, made safe",
  },
  {
    flag: "directory",
    alias: "d",
    type: "string",
    placeholder: "DIR",
    summary: "write into DIR, with the remote name",
  },
  FORCE,
  RESUME,
  {
    flag: "max-size",
    type: "string",
    placeholder: "BYTES",
    summary: "refuse what is larger, decoded; nothing under the final name",
  },
  {
    flag: "checksum",
    type: "string",
    placeholder: "ALGORITHM:HEX",
    summary: "refuse what has another checksum: sha256:..., sha512:..., md5:...",
  },
  {
    flag: "if-changed",
    type: "boolean",
    summary: "fetch only what is newer than the file that is there, by ETag or date",
  },
  {
    flag: "segments",
    type: "number",
    placeholder: "N",
    summary: "fetch a large file in N parts at once",
  },
];
export const VIEWING: readonly OptionSpec[] = [
  {
    flag: "as",
    type: "string",
    choices: ["text", "markdown", "links", "source"],
    summary: "a page as text with numbered links, as Markdown, its links alone, or as it is",
  },
  { flag: "reader", type: "boolean", summary: "the article of a page alone" },
];
export const INPUT = {
  flag: "input",
  type: "string",
  placeholder: "FILE",
  summary: "URLs from a file, one a line; - for standard input",
} as const;
export const MAIL: readonly OptionSpec[] = [
  { flag: "from", type: "string", placeholder: "ADDRESS", summary: "the sender" },
  { flag: "to", type: "list", placeholder: "ADDRESS", summary: "a recipient" },
  { flag: "cc", type: "list", placeholder: "ADDRESS", summary: "a recipient of a copy" },
  { flag: "bcc", type: "list", placeholder: "ADDRESS", summary: "a recipient whom the others do not see" },
  { flag: "reply-to", type: "list", placeholder: "ADDRESS", summary: "where answers are to go" },
  {
    flag: "in-reply-to",
    type: "string",
    placeholder: "ID",
    summary: "the Message-ID that this mail answers",
  },
  { flag: "priority", type: "string", choices: ["high", "normal", "low"], summary: "how urgent it is" },
  { flag: "subject", type: "string", placeholder: "TEXT", summary: "the subject" },
  { flag: "text", type: "string", placeholder: "TEXT", summary: "the text, or - for standard input" },
  {
    flag: "text-file",
    type: "string",
    placeholder: "FILE",
    summary: "the text from a file, or - for standard input",
  },
  {
    flag: "html",
    type: "string",
    placeholder: "HTML",
    summary: "the text as HTML, or - for standard input; a plain text is made from it",
  },
  { flag: "html-file", type: "string", placeholder: "FILE", summary: "the HTML from a file" },
  {
    flag: "attach",
    type: "list",
    placeholder: "FILE[;type=TYPE][;name=NAME]",
    summary: "an attachment, or - for standard input; type and name are the file's own when not said",
  },
  {
    flag: "inline",
    type: "list",
    placeholder: "[ID=]FILE",
    summary: 'a picture within the HTML, there as <img src="cid:ID"> (the file\'s name)',
  },
  { flag: "calendar", type: "string", placeholder: "FILE", summary: "an invitation (iCalendar)" },
  {
    flag: "header",
    alias: "H",
    type: "list",
    placeholder: '"NAME: VALUE"',
    summary: "a header of the request, or of the mail",
  },
  { flag: "eml", type: "string", placeholder: "FILE", summary: "send this message as it stands" },
  {
    flag: "dkim-key",
    type: "string",
    placeholder: "FILE",
    summary: "sign with this RSA or Ed25519 key, PEM (DKIM)",
  },
  {
    flag: "dkim-selector",
    type: "string",
    placeholder: "NAME",
    summary: "where the key's other half stands: NAME._domainkey.DOMAIN",
  },
  {
    flag: "dkim-domain",
    type: "string",
    placeholder: "DOMAIN",
    summary: "the domain that signs (the sender's)",
  },
  { flag: "dry-run", type: "boolean", summary: "print envelope and message, send nothing" },
];

export const WATCHING: readonly OptionSpec[] = [
  {
    flag: "interval",
    type: "number",
    placeholder: "S",
    summary: "ask for what is new every S seconds (60)",
  },
  {
    flag: "exec",
    type: "string",
    placeholder: "COMMAND",
    summary: "run this for each event, which it gets as JSON on its standard input",
  },
];
export const CHECKING: readonly OptionSpec[] = [
  INPUT,
  {
    flag: "nagios",
    type: "boolean",
    summary: "one line with performance data, for Nagios and Icinga; status 0 to 2",
  },
  { flag: "prometheus", type: "boolean", summary: "metrics in Prometheus' text format" },
  {
    flag: "warn-days",
    type: "number",
    placeholder: "N",
    summary: "warn when a certificate has fewer days left (21)",
  },
  { flag: "crit-days", type: "number", placeholder: "N", summary: "the same for critical (7)" },
  { flag: "warn-ms", type: "number", placeholder: "MS", summary: "warn when all steps together take longer" },
  { flag: "crit-ms", type: "number", placeholder: "MS", summary: "the same for critical" },
];

export const BROWSING: readonly OptionSpec[] = [
  {
    flag: "theme",
    type: "string",
    placeholder: "NAME",
    choices: ["dark", "light", "plain"],
    summary: "colours for a dark screen, a light one, or none",
  },
  {
    flag: "pictures",
    type: "string",
    placeholder: "WAY",
    choices: ["auto", "kitty", "iterm", "sixel", "blocks"],
    summary: "how the terminal shows pictures (found out; blocks where it cannot)",
  },
  { flag: "mouse", type: "boolean", summary: "the mouse opens links (--no-mouse leaves it to the terminal)" },
  {
    flag: "keep-history",
    type: "boolean",
    summary: "remember where you have been (--no-keep-history: forget)",
  },
  { flag: "directory", alias: "d", type: "string", placeholder: "DIR", summary: "save downloads there" },
];
