/** Places on this machine: a folder of files, a Maildir, an mbox file and a folder of eml files, made for the suite. */
import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { located } from "../../protocols/local/mbox-scanner.js";
import type { Place } from "./place.js";

const BIG = 8 * 1024 ** 2;
const ROOT = join(tmpdir(), `porthole-contract-${randomUUID()}`);

/** Before the first test. */
export function makeLocalPlaces(): void {
  makeFiles(`${ROOT}/files`);
  makeMaildir(`${ROOT}/maildir`);
  makeMbox();
  makeEml(`${ROOT}/eml`);
}

/** After the last test. */
export function removeLocalPlaces(): void {
  rmSync(ROOT, { recursive: true, force: true });
}

const FROM_LINE = "From keeper@harbour.example Thu Jan  1 12:00:00 2026";
const NOTICE = mail("notice", "The light is on.\n");
const LOG = mail("log", "Wind from the west.\n");
const CHART = mail("chart", `${"0123456789abcdef".repeat(4)}\n`.repeat(BIG / 64));

export const LOCAL_PLACES: readonly Place[] = [
  {
    protocol: "local",
    scheme: "file",
    url: () => `file://${ROOT}/files/`,
    readable: { path: `${ROOT}/files/charts/bay.txt`, content: Buffer.from("a bay\n") },
    big: { path: `${ROOT}/files/big.bin`, size: BIG },
    listable: `${ROOT}/files/`,
    missing: `${ROOT}/files/lost/`,
    missingDocument: `${ROOT}/files/lost.txt`,
    missingExit: 12,
    folder: `${ROOT}/files/incoming/`,
    search: { path: `${ROOT}/files/`, words: "*.txt" },
    greets: false,
  },
  {
    protocol: "local",
    scheme: "maildir",
    url: () => `maildir://${ROOT}/maildir/`,
    keepsMessages: true,
    readable: { path: `${ROOT}/maildir/;UID=1700000001.R1.sandbox`, content: NOTICE },
    big: { path: `${ROOT}/maildir/;UID=1700000003.R3.sandbox`, size: CHART.length },
    listable: `${ROOT}/maildir/`,
    missing: `${ROOT}/lost/`,
    missingDocument: `${ROOT}/maildir/;UID=lost`,
    folder: `${ROOT}/maildir-new/`,
    search: { path: `${ROOT}/maildir/`, words: "The" },
    greets: false,
  },
  {
    protocol: "local",
    scheme: "mbox",
    url: () => `mbox://${ROOT}/harbour.mbox`,
    keepsMessages: true,
    readable: { path: `${ROOT}/harbour.mbox/;UID=0.${markOf(NOTICE)}`, content: NOTICE },
    big: { path: `${ROOT}/chart.mbox/;UID=0.${markOf(CHART)}`, size: CHART.length },
    listable: `${ROOT}/harbour.mbox`,
    missing: `${ROOT}/lost.mbox`,
    missingDocument: `${ROOT}/harbour.mbox/;UID=0.000000000000`,
    folder: `${ROOT}/mbox-new/`,
    search: { path: `${ROOT}/harbour.mbox`, words: "The" },
    greets: false,
  },
  {
    protocol: "local",
    scheme: "eml",
    url: () => `eml://${ROOT}/eml/`,
    keepsMessages: true,
    readable: { path: `${ROOT}/eml/1.eml`, content: NOTICE },
    big: { path: `${ROOT}/eml/3.eml`, size: CHART.length },
    listable: `${ROOT}/eml/`,
    missing: `${ROOT}/lost/`,
    missingDocument: `${ROOT}/eml/lost.eml`,
    missingExit: 12,
    folder: `${ROOT}/eml-new/`,
    search: { path: `${ROOT}/eml/`, words: "The" },
    greets: false,
  },
];

function mail(subject: string, text: string): Buffer {
  const header = ["From: keeper@harbour.example", "To: pilot@harbour.example", `Subject: The ${subject}`];
  return Buffer.from(`${[...header, `Message-ID: <${subject}@harbour.example>`].join("\n")}\n\n${text}`);
}

/** What the URL of a message in an mbox file has besides its place. */
function markOf(message: Buffer): string {
  const span = { offset: 0, start: 0, end: message.length, next: message.length, quoted: 0 };
  return located({ ...span, fromLine: FROM_LINE, head: message }).mark;
}

function makeFiles(folder: string): void {
  mkdirSync(join(folder, "charts"), { recursive: true });
  mkdirSync(join(folder, "incoming"));
  writeFileSync(join(folder, "charts", "bay.txt"), "a bay\n");
  writeFileSync(join(folder, "read me.txt"), "read me\n");
  writeFileSync(join(folder, "big.bin"), Buffer.alloc(BIG, "abc"));
}

function makeMaildir(folder: string): void {
  for (const sub of ["cur", "new", "tmp"]) mkdirSync(join(folder, sub), { recursive: true });
  writeFileSync(join(folder, "cur", "1700000001.R1.sandbox:2,S"), NOTICE);
  writeFileSync(join(folder, "new", "1700000002.R2.sandbox"), LOG);
  writeFileSync(join(folder, "cur", "1700000003.R3.sandbox:2,FS"), CHART);
  mkdirSync(`${folder}-new`);
}

function makeMbox(): void {
  const separated = (message: Buffer) => `${FROM_LINE}\n${message.toString()}\n`;
  writeFileSync(join(ROOT, "harbour.mbox"), `${separated(NOTICE)}${separated(LOG)}`);
  writeFileSync(join(ROOT, "chart.mbox"), separated(CHART));
  mkdirSync(join(ROOT, "mbox-new"));
}

function makeEml(folder: string): void {
  mkdirSync(folder);
  for (const [name, message] of Object.entries({ "1": NOTICE, "2": LOG, "3": CHART })) {
    writeFileSync(join(folder, `${name}.eml`), message);
  }
  mkdirSync(`${folder}-new`);
}
