import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "ftp",
  title: "FTP",
  summary: "files and directories",
  schemes: { ftp: { port: 21, tls: "upgrade" }, ftps: { port: 990, tls: "always" } },
  verbs: ["ls", "get", "put", "stat", "rm", "mv", "mkdir", "check"],
  options: [
    { flag: "active", type: "boolean", summary: "let the server connect here for data (EPRT, PORT)" },
    {
      flag: "pasv-address",
      type: "boolean",
      summary: "connect to whatever address PASV names, also another than the server's",
    },
    {
      flag: "prot",
      type: "string",
      choices: ["P", "C"],
      summary: "files and listings under TLS: P (as usual), or in clear: C",
    },
    {
      flag: "ccc",
      type: "boolean",
      summary:
        "TLS for the login and the files, and clear commands after it (CCC): for firewalls that read them",
    },
    { flag: "account", type: "string", placeholder: "NAME", summary: "what ACCT is answered with" },
    {
      flag: "virtual-host",
      type: "string",
      placeholder: "NAME",
      summary: "which of the servers at this address is meant (HOST)",
    },
    {
      flag: "filename-charset",
      type: "string",
      placeholder: "CHARSET",
      summary: "how names are coded at the server, if not in UTF-8",
    },
    {
      flag: "keep-alive",
      type: "number",
      placeholder: "S",
      summary: "send NOOP after so many seconds of silence (60); 0 for never",
    },
    {
      flag: "verify",
      type: "boolean",
      summary: "compare checksums with the server's (HASH, XSHA256, XMD5, XCRC)",
      verbs: ["get", "put", "cp", "mirror"],
    },
    {
      flag: "chmod",
      type: "string",
      placeholder: "MODE",
      summary: "give what is written this mode (SITE CHMOD)",
      verbs: ["put", "cp", "mirror"],
    },
    {
      flag: "fxp",
      type: "boolean",
      summary: "have one ftp: server send to the other, not through this machine, where both allow it",
      verbs: ["cp"],
    },
  ],
  commands: [
    { name: "features", usage: "URL", summary: "what the server says it can do (FEAT)" },
    { name: "quote", usage: "URL COMMAND...", summary: "send one command as it is, and show the answer" },
    { name: "site", usage: "URL COMMAND...", summary: "send a SITE command, and show the answer" },
    {
      name: "hash",
      usage: "URL [ALGORITHM]",
      summary: "a file's checksum, as the server computes it (HASH, XSHA256, XMD5, XCRC)",
    },
    { name: "chmod", usage: "MODE URL...", summary: "change who may do what with a file (SITE CHMOD)" },
    {
      name: "touch",
      usage: "URL...",
      summary: "set the time of last change (MFMT, MDTM), and make files that are not there",
      options: [{ flag: "time", type: "string", placeholder: "TIME", summary: "this time instead of now" }],
    },
    { name: "du", usage: "URL...", summary: "how many octets there are in a folder and all beneath it" },
    {
      name: "find",
      usage: "URL [PATTERN]",
      summary: "all beneath a folder, or what has a name like the pattern",
    },
    { name: "fxp", usage: "FROM TO", summary: "from one server straight to another, where both allow it" },
  ],
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
