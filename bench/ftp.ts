/** FTP, from Debian's vsftpd where it is installed: a large file, many small ones, and a listing, beside curl and lftp. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeTlsMaterial } from "../fixtures/servers/certificate.js";
import { startVsftpd, tlsOptions, VSFTPD } from "../test/real/vsftpd.js";
import { type Bench, outOfTheWay, porthole } from "./bench.js";

const LARGE = 1024 ** 3;
const FILES = 1000;
const FOLDERS = 25;
const LISTED = 1000;
/** A megabyte of listing takes some 15,000 lines; vsftpd sorts, so the million is the sandbox's and the tests'. */
const SMALL = 4100;

/** 200 files in 5 folders for slow lines: run this within a network namespace that has a latency. */
const FEW = 200;

export const bench: Bench = async ({ folder }) => {
  if (VSFTPD === undefined) {
    process.stdout.write("FTP: skipped, vsftpd is not installed\n");
    return { pairs: [], bounds: [] };
  }
  const root = mkdtempSync(join(tmpdir(), "porthole-bench-ftp-"));
  makeFiles(root);
  const plain = await startVsftpd(root);
  const secure = await startVsftpd(root, await tlsOptions(root, await makeTlsMaterial()));
  const ca = join(root, "ca.pem");
  const clear = `ftp://localhost:${plain.port}`;
  const file = join(folder, "large");
  const copy = join(folder, "copy");
  const fresh = () => {
    rmSync(file, { force: true });
    outOfTheWay(copy);
  };
  const tls = ["--starttls", "require", "--cacert", ca];
  const lftp = (options: string, port: number, command: string): [string, ...string[]] => [
    "lftp",
    "-c",
    `${options}; open ftp://localhost:${port}; ${command}`,
  ];
  const open = "set ftp:ssl-allow no";
  const closed = `set ssl:ca-file ${ca}; set ftp:ssl-allow-anonymous yes; set ftp:ssl-force yes; set ftp:ssl-protect-data yes`;
  const curl = { name: "curl", version: ["curl", "--version"] as const, prepare: fresh };
  const mirrors = (name: string, from: string, jobs: number, secured: boolean) => ({
    what: `mirror of ${name}, ${jobs} at once${secured ? ", TLS" : ""}`,
    subject: {
      name: "porthole mirror",
      argv: porthole(
        "mirror",
        `ftp://localhost:${secured ? secure.port : plain.port}/${from}`,
        copy,
        "--jobs",
        String(jobs),
        "-q",
        ...(secured ? tls : []),
      ),
      prepare: fresh,
    },
    peer: {
      name: `lftp mirror --parallel=${jobs}`,
      argv: lftp(
        secured ? closed : open,
        secured ? secure.port : plain.port,
        `mirror --parallel=${jobs} /${from} ${copy}`,
      ),
      version: ["lftp", "--version"] as const,
      prepare: fresh,
    },
    runs: 3,
  });
  return {
    pairs: [
      {
        what: "1 GiB over FTP to a file",
        subject: {
          name: "porthole get -o",
          argv: porthole("get", `${clear}/large`, "-o", file, "-f", "-q"),
          prepare: fresh,
        },
        peer: { ...curl, argv: ["curl", "-s", "-o", file, `${clear}/large`] },
        limit: 1.1,
        runs: 5,
      },
      {
        what: "1 GiB over FTP with TLS to a file",
        subject: {
          name: "porthole get -o",
          argv: porthole("get", `ftp://localhost:${secure.port}/large`, "-o", file, "-f", "-q", ...tls),
          prepare: fresh,
        },
        peer: {
          ...curl,
          argv: [
            "curl",
            "-s",
            "--ssl-reqd",
            "--cacert",
            ca,
            "-o",
            file,
            `ftp://localhost:${secure.port}/large`,
          ],
        },
        limit: 1.2,
        runs: 3,
      },
      {
        what: `${LISTED} names`,
        subject: { name: "porthole ls", argv: porthole("ls", `${clear}/list/`, "-q") },
        peer: { ...curl, argv: ["curl", "-s", `${clear}/list/`] },
        runs: 7,
      },
      mirrors(`${FILES} files`, "many", 1, false),
      mirrors(`${FILES} files`, "many", 4, false),
      mirrors(`${FEW} files`, "few", 4, false),
      mirrors(`${FEW} files`, "few", 4, true),
    ],
    bounds: [],
    close: async () => {
      await Promise.all([plain.stop(), secure.stop()]);
      rmSync(root, { recursive: true, force: true });
    },
  };
};

function makeFiles(root: string): void {
  chmodSync(root, 0o755);
  const files = join(root, "files");
  const octets = Buffer.alloc(SMALL, "as small as many files are\n");
  for (let at = 0; at < FOLDERS; at++) mkdirSync(join(files, "many", `d${at}`), { recursive: true });
  for (let at = 0; at < 5; at++) mkdirSync(join(files, "few", `d${at}`), { recursive: true });
  for (let at = 0; at < FILES; at++) {
    writeFileSync(join(files, "many", `d${at % FOLDERS}`, `file-${at}.txt`), octets);
  }
  for (let at = 0; at < FEW; at++) writeFileSync(join(files, "few", `d${at % 5}`, `file-${at}.txt`), octets);
  mkdirSync(join(files, "list"));
  for (let at = 0; at < LISTED; at++) writeFileSync(join(files, "list", `entry-${at}.dat`), "");
  writeFileSync(join(files, "large"), "");
  truncateSync(join(files, "large"), LARGE);
}
