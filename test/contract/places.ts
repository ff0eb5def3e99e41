/** Where each protocol is put to the test. A protocol joins the contract suite by a row here. */
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { sampleMails } from "../../fixtures/content/mails.js";
import { WELCOME_TEXT } from "../../fixtures/content/pages.js";
import { TEXTS } from "../../fixtures/content/texts.js";
import { NewsStore } from "../../fixtures/servers/nntp-store.js";
import type { Outgoing } from "../../src/plugin.js";
import { LOCAL_PLACES } from "./local-places.js";
import {
  ftpOverture,
  gopherOverture,
  httpOverture,
  imapOverture,
  nntpOverture,
  pop3Overture,
  smtpOverture,
} from "./overtures.js";
import type { Place } from "./place.js";
import { STREAM_PLACES } from "./stream-places.js";

const MEBIBYTE = 1024 ** 2;

const [TEXT] = TEXTS;

export const PLACES: readonly Place[] = [
  {
    protocol: "http",
    scheme: "http",
    readable: { path: "/files/welcome.txt", content: Buffer.from(WELCOME_TEXT) },
    big: { path: `/stream?bytes=${64 * MEBIBYTE}`, size: 64 * MEBIBYTE },
    listable: "/files/",
    missing: "/files/lost/",
    missingDocument: "/files/lost.txt",
    folder: "/files/incoming/",
    outgoing: octets,
    opensAt: "echo",
    overture: httpOverture,
    greets: false,
  },
  {
    protocol: "nntp",
    scheme: "nntp",
    readable: { path: "/harbour.lights/1", content: newsArticle("harbour.lights", 1) },
    readsMany: true,
    big: { path: "/harbour.binaries/6", size: 5_411_047 },
    listable: "/harbour.lights",
    missing: "/harbour.lost",
    missingDocument: "/harbour.lights/999",
    keepsMessages: true,
    folder: "/harbour.",
    writable: "From: ann@x.example\r\nSubject: new\r\n\r\nnew\r\n",
    search: { path: "/harbour.lights", words: "flashes" },
    outgoing: article,
    recipients: ["harbour.test", "harbour.lights"],
    overture: nntpOverture,
    greets: true,
  },
  {
    protocol: "ftp",
    scheme: "ftp",
    readable: { path: "/welcome.txt", content: Buffer.from(WELCOME_TEXT) },
    big: { path: "/pub/large.bin", size: 5 * MEBIBYTE },
    listable: "/pub/",
    missing: "/lost/",
    missingDocument: "/lost.txt",
    folder: "/incoming/",
    overture: ftpOverture,
    greets: true,
  },
  {
    protocol: "smtp",
    scheme: "smtp",
    outgoing: mail,
    overture: smtpOverture,
    greets: true,
  },
  {
    protocol: "pop3",
    scheme: "pop3",
    login: { user: "porthole", password: "sandbox", kind: "password" },
    readable: { path: "/uid:welcome-1", content: sampleMails()[0]?.raw ?? Buffer.alloc(0) },
    readsMany: true,
    missingDocument: "/998",
    big: { path: "/uid:chart-5", size: sampleMails()[4]?.raw.length ?? 0 },
    listable: "/",
    missing: "/999",
    folder: "/uid:",
    overture: pop3Overture,
    greets: true,
  },
  {
    protocol: "imap",
    scheme: "imap",
    login: { user: "porthole", password: "sandbox", kind: "password" },
    keepsMessages: true,
    readable: {
      path: "/INBOX;UIDVALIDITY=20261103/;UID=1",
      content: sampleMails()[0]?.raw ?? Buffer.alloc(0),
    },
    big: { path: "/INBOX;UIDVALIDITY=20261103/;UID=5", size: sampleMails()[4]?.raw.length ?? 0 },
    listable: "/INBOX",
    missing: "/Lost",
    missingDocument: "/INBOX/;UID=999",
    folder: "/Tried/",
    search: { path: "/INBOX", words: "from:office" },
    overture: imapOverture,
    greets: true,
  },
  {
    protocol: "gopher",
    scheme: "gopher",
    readable: { path: `/0/texts/${TEXT?.name ?? ""}`, content: Buffer.from(crlf(TEXT?.body ?? "")) },
    big: { path: `/9/bytes/${64 * MEBIBYTE}`, size: 64 * MEBIBYTE },
    listable: "/1/texts",
    missing: "/1/lost",
    search: { path: "/7/search", words: "the" },
    overture: gopherOverture,
    greets: false,
    formless: {
      // RFC 1436 gives a document no length and a binary one no mark of its end: nothing may be all of it.
      closed: ["read", "stat"],
      // Nor has it a line that cannot be text.
      garbage: ["list", "search", "read", "stat"],
      "endless line": ["read", "stat"],
    },
  },
  ...LOCAL_PLACES,
  ...STREAM_PLACES,
];

function crlf(text: string): string {
  return text.replace(/\r?\n/g, "\r\n");
}

function newsArticle(group: string, number: number): Buffer {
  const store = NewsStore.withSamples("sandbox.porthole.test");
  return store.groups.get(group)?.articles.get(number)?.octets() ?? Buffer.alloc(0);
}

function octets({ type = "text/plain" }: Parameters<NonNullable<Place["outgoing"]>>[0] = {}): Outgoing {
  const text = Buffer.from("The north mole is lit.\r\n\0\xff", "latin1");
  const body = Readable.from([text], { objectMode: false });
  return { kind: "octets", source: { body, size: text.length, type } };
}

function article(change: Parameters<NonNullable<Place["outgoing"]>>[0] = {}): Outgoing {
  const from = change.from ?? "keeper@harbour.example";
  const group = change.to ?? "harbour.test";
  const messageId = change.messageId ?? `<${randomUUID()}@harbour.example>`;
  const header = [`From: ${from}`, `Newsgroups: ${group}`, "Subject: The light", `Message-ID: ${messageId}`];
  const text = [...header, "", "It is on.", ".", "..and so is the other.", ""].join("\r\n");
  return {
    kind: "message",
    envelope: { from, to: [group] },
    raw: Readable.from([Buffer.from(text)], { objectMode: false }),
    messageId,
  };
}

function mail(change: Parameters<NonNullable<Place["outgoing"]>>[0] = {}): Outgoing {
  const lines = [
    "From: keeper@harbour.example",
    "To: pilot@harbour.example",
    "Subject: The light",
    "Message-ID: <light@harbour.example>",
    "",
    "It is on.",
    ".",
    "..and so is the other.",
    "",
  ];
  return {
    kind: "message",
    envelope: {
      from: change.from ?? "keeper@harbour.example",
      to: [change.to ?? "pilot@harbour.example"],
    },
    raw: Readable.from([Buffer.from(lines.join("\r\n"))], { objectMode: false }),
    messageId: change.messageId ?? "<light@harbour.example>",
  };
}
