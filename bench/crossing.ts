/** A gibibyte from one server to another, nginx to vsftpd, beside the slower of its halves. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasNginx, startNginx } from "../test/real/nginx.js";
import { DAEMON, startVsftpd, VSFTPD } from "../test/real/vsftpd.js";
import { BARE_NODE, type Bench, outOfTheWay, porthole } from "./bench.js";
import { type Command, measure } from "./harness.js";

const GIB = 1024 ** 3;

export const bench: Bench = async ({ folder }) => {
  if (VSFTPD === undefined || !hasNginx()) {
    process.stdout.write("crossing: skipped, nginx or vsftpd is not installed\n");
    return { pairs: [], bounds: [] };
  }
  const from = await startNginx((root) => {
    writeFileSync(join(root, "large.bin"), "");
    truncateSync(join(root, "large.bin"), GIB);
  });
  const root = mkdtempSync(join(tmpdir(), "porthole-bench-crossing-"));
  chmodSync(root, 0o755);
  const incoming = join(root, "files", "incoming");
  mkdirSync(incoming, { recursive: true });
  chownSync(incoming, DAEMON.uid, DAEMON.gid);
  const to = await startVsftpd(root);
  const source = `${from.url}/large.bin`;
  const target = `ftp://localhost:${to.port}/incoming/large.bin`;
  const [arrived, file] = [join(incoming, "large.bin"), join(folder, "large.bin")];
  writeFileSync(file, "");
  truncateSync(file, GIB);
  const prepare = () => outOfTheWay(arrived);
  const cp = { name: "porthole cp", argv: porthole("cp", source, target, "-q"), prepare };
  const got = join(folder, "got.bin");
  const halves: readonly [Command, Command] = [
    {
      name: "porthole get",
      argv: porthole("get", source, "-o", got, "-q"),
      prepare: () => outOfTheWay(got),
    },
    { name: "porthole put", argv: porthole("put", file, target, "-q"), prepare },
  ];
  const slower = await slowerOf(halves);
  return {
    pairs: [
      {
        what: "cp of 1 GiB from HTTP to FTP",
        subject: cp,
        peer: { ...slower, version: BARE_NODE.version },
        limit: 1.3,
        runs: 5,
      },
    ],
    bounds: [{ what: "cp of 1 GiB from HTTP to FTP, memory", subject: cp, limit: 150 }],
    close: async () => {
      if (statSync(arrived).size !== GIB) throw new Error("the file is not whole");
      await to.stop();
      await from.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
};

/** Each once to warm up, and once for its time. */
async function slowerOf(halves: readonly [Command, Command]): Promise<Command> {
  const times: number[] = [];
  for (const half of halves) {
    await measure(half);
    times.push((await measure(half)).seconds);
  }
  const [get = 0, put = 0] = times;
  return halves[get > put ? 0 : 1];
}
