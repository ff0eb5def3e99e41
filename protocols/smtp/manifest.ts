import type { Manifest, OptionSpec } from "../../src/plugin.js";

const FROM = {
  flag: "from",
  type: "string",
  placeholder: "ADDRESS",
  summary: "the sender; <> is nobody",
} as const;
const TO = { flag: "to", type: "list", placeholder: "ADDRESS", summary: "a recipient" } as const;

/** How the server is spoken to, by every verb and command. */
const SESSION = [
  {
    flag: "ehlo-name",
    type: "string",
    placeholder: "NAME",
    summary: "the name said in EHLO, HELO or LHLO (this side's address in brackets)",
  },
  {
    flag: "mx",
    type: "boolean",
    summary: "the URL's host is a mail domain: speak to the hosts of its MX records",
  },
  {
    flag: "name-server",
    type: "list",
    placeholder: "ADDR[:PORT]",
    summary: "ask this name server for MX records (the system's)",
  },
  {
    flag: "proxy-header",
    type: "string",
    placeholder: "HEADER",
    summary: 'begin as a proxy does: "v1 SOURCE PORT [TARGET PORT]", or v2; "v2 local"',
  },
  {
    flag: "xclient",
    type: "string",
    placeholder: "ATTRIBUTES",
    summary: 'speak for another client (Postfix): "ADDR=192.0.2.1 NAME=host.example"',
  },
  {
    flag: "transcript",
    type: "string",
    choices: ["swaks"],
    summary: "show the dialogue on standard error as swaks prints it",
  },
] as const satisfies readonly OptionSpec[];

const MAILING = ["send", "probe", "bulk"] as const;

/** How a mail is to be delivered. */
const DELIVERY = [
  {
    flag: "notify",
    type: "string",
    placeholder: "WHEN",
    summary: "notices of delivery: never, or some of success,failure,delay (DSN)",
    verbs: MAILING,
  },
  {
    flag: "ret",
    type: "string",
    choices: ["full", "hdrs"],
    summary: "what comes back with a notice (DSN)",
    verbs: MAILING,
  },
  {
    flag: "envid",
    type: "string",
    placeholder: "ID",
    summary: "what names the mail in a notice (DSN)",
    verbs: MAILING,
  },
  {
    flag: "orcpt",
    type: "string",
    placeholder: "ADDRESS",
    summary: "the recipient as the notice names it (DSN)",
    verbs: MAILING,
  },
  {
    flag: "require-tls",
    type: "boolean",
    summary: "the mail travels under TLS all the way, or not at all (REQUIRETLS)",
    verbs: MAILING,
  },
  {
    flag: "chunking",
    type: "boolean",
    summary: "BDAT where it is offered; --no-chunking for DATA",
    verbs: MAILING,
  },
] as const satisfies readonly OptionSpec[];

/** What users of swaks, curl and mailx write; docs/swaks.md has the rest. */
const OTHER_NAMES = {
  "the server stands in the URL: smtp://HOST:PORT": ["server", "p", "port"],
  "--subject TEXT; the server stands in the URL": ["s"],
  "the URL's scheme: smtp:, smtps:, submission:, lmtp:": ["protocol"],
  "smtps://HOST": ["tlsc", "tls-on-connect"],
  "smtp://DOMAIN --mx": ["copy-routing"],
  "--unix-socket FILE": ["socket"],
  "--interface ADDR": ["li", "local-interface"],
  "--to ADDRESS": ["t", "mail-rcpt"],
  "--from ADDRESS": ["f", "mail-from"],
  "--cc ADDRESS": ["c"],
  "--bcc ADDRESS": ["b"],
  "--ehlo-name NAME": ["helo", "ehlo", "lhlo"],
  "porthole smtp probe URL --stop-after STEP": ["quit", "quit-after", "da", "drop-after"],
  "commands are sent ahead wherever the server offers it": ["pipeline"],
  "--starttls require": ["tls", "ssl-reqd"],
  "--starttls auto": ["tlso", "tls-optional", "tlsos", "tls-optional-strict"],
  "--tls-min VERSION": ["tlsp", "tls-protocol"],
  "certificates are verified, unless -k says otherwise": ["tls-verify"],
  "--cacert FILE": ["tls-ca-path"],
  "--cert FILE": ["tls-cert"],
  "--key FILE": ["tls-key"],
  "--sni NAME": ["tls-sni"],
  "porthole check URL --json": ["tls-get-peer-cert"],
  "--auth MECHANISM, or --attach FILE": ["a"],
  "-u USER[:PASS]": ["au", "auth-user", "ao", "auth-optional", "aos", "auth-optional-strict"],
  "-u USER:PASS, or --password-command COMMAND": ["ap", "auth-password"],
  '--xclient "ADDR=192.0.2.1 NAME=host.example"': [
    "xclient-addr",
    "xclient-name",
    "xclient-helo",
    "xclient-login",
  ],
  '--proxy-header "v1 SOURCE PORT"': ["proxy-version", "proxy-source", "proxy-family"],
  "--eml FILE, or - for standard input": ["d", "data", "g", "upload-file", "T"],
  "--text TEXT, or --text-file FILE": ["body"],
  "--html-file FILE": ["attach-body"],
  '--attach "FILE;type=text/csv;name=report.csv"': ["attach-type", "attach-name"],
  '--header "NAME: VALUE"': ["ah", "add-header"],
  "--dry-run": ["dump", "dump-mail"],
  "-v": ["stl", "show-time-lapse"],
  "-vv": ["raw", "show-raw-text"],
  "-q": ["S", "silent", "ha", "hide-all"],
  "--trace FILE": ["output", "output-file"],
} as const;

export const manifest = {
  name: "smtp",
  title: "SMTP",
  summary: "sending mail",
  schemes: {
    smtp: { port: 25, tls: "upgrade" },
    smtps: { port: 465, tls: "always" },
    submission: { port: 587, tls: "upgrade" },
    lmtp: { port: 24, tls: "upgrade" },
  },
  verbs: ["send", "check"],
  options: [...SESSION, ...DELIVERY],
  commands: [
    {
      name: "probe",
      usage: "URL",
      summary: "try a server step by step: greeting, TLS, login, sender, recipients; no mail is sent",
      examples: [
        "porthole smtp probe smtp://mail.example.org --from a@x --to b@y",
        "porthole smtp probe submission://mail.example.org -u me --stop-after auth --transcript swaks",
        "porthole smtp probe smtp://example.org --mx --to b@example.org",
      ],
      options: [
        FROM,
        TO,
        {
          flag: "stop-after",
          type: "string",
          choices: ["connect", "banner", "ehlo", "tls", "auth", "mail", "rcpt", "data"],
          summary: "the last step",
        },
        { flag: "send", type: "boolean", summary: "send a test mail in the end" },
      ],
    },
    {
      name: "bulk",
      usage: "URL LIST",
      summary: "one mail for each row of a list (CSV or NDJSON; - is standard input), fields filled in",
      shared: {
        jobs: "connections at once",
        retry: "how often what was refused for now is tried again",
      },
      examples: [
        "porthole smtp bulk smtp://mail.example.org people.csv --template letter.txt --dry-run",
        "porthole smtp bulk submission://mail.example.org people.ndjson --template letter.txt -u me --rate 10/s --jobs 4",
      ],
      options: [
        {
          flag: "template",
          type: "string",
          placeholder: "FILE",
          summary:
            "the mail: header fields (To: {{email}}), an empty line, the text, with {{name}} for a row's field",
        },
        {
          flag: "rate",
          type: "string",
          placeholder: "N/s",
          summary: "so many mails in all: 10/s, 300/m, 5000/h",
        },
        {
          flag: "rate-per-connection",
          type: "string",
          placeholder: "N/s",
          summary: "so many mails on each connection",
        },
        {
          flag: "back-off",
          type: "number",
          placeholder: "S",
          summary: "seconds until what was refused for now is tried again; twice as long each time (30)",
        },
        { flag: "resend-unknown", type: "boolean", summary: "send again where an earlier run got no answer" },
        { flag: "again", type: "boolean", summary: "forget what an earlier run has sent" },
        { flag: "dry-run", type: "boolean", summary: "print envelopes and messages, send nothing" },
      ],
    },
    {
      name: "relay",
      usage: "URL",
      summary: "whether a server of one's own takes mail of strangers for strangers; no mail is sent",
      options: [
        FROM,
        { ...TO, summary: "an address that is not the server's" },
        { flag: "mine", type: "boolean", summary: "the server is mine to test" },
      ],
    },
    { name: "vrfy", usage: "URL ADDRESS...", summary: "does the server know an address (VRFY)" },
    { name: "expn", usage: "URL LIST", summary: "who is on a mailing list (EXPN)" },
    { name: "help", usage: "URL [COMMAND]", summary: "the server's own help (HELP)" },
    { name: "noop", usage: "URL", summary: "one round trip (NOOP)" },
    { name: "etrn", usage: "URL DOMAIN", summary: "have the mail that waits for a domain delivered (ETRN)" },
    { name: "quote", usage: "URL COMMAND...", summary: "send one command as it is, and show the answer" },
  ],
  otherNames: OTHER_NAMES,
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
