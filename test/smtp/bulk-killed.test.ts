/** A mailing whose process is killed, and run again: nobody gets a mail twice, and whoever may have one is told. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { startSmtp } from "../../fixtures/servers/smtp.js";
import { JobLock } from "../../src/verbs/job-lock.js";
import { objects, PROGRAM, User } from "../cli/program/program.js";

const PEOPLE = Array.from({ length: 60 }, (_, at) => `p${at}@y.example`);
const TEMPLATE = "From: office@x.example\nTo: {{email}}\nSubject: hello\n\nDear {{email}}\n";

let user: User;

beforeAll(async () => {
  user = await User.create();
  await writeFile(user.path("mail.txt"), TEMPLATE);
  await writeFile(user.path("list.csv"), `email\n${PEOPLE.join("\n")}\n`);
});

afterAll(async () => {
  await user[Symbol.asyncDispose]();
});

const words = (url: string) => [
  ...["smtp", "bulk", url, "list.csv", "--template", "mail.txt"],
  ...["--json", "--starttls", "never", "--retry", "0"],
];

/** A mailing in a process of its own. */
function begin(url: string, more: readonly string[] = []) {
  const child = spawn(process.execPath, [PROGRAM, ...words(url), ...more], {
    cwd: user.folder,
    env: { ...user.environment },
    stdio: ["ignore", "ignore", "ignore"],
  });
  return { child, ended: once(child, "exit") };
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000 && !holds(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}

describe("a mailing that is killed", () => {
  // By BDAT nearly all of them are under way when the first is answered, and after a kill known to nobody.
  it.each([
    [1, "DATA", [7, 20, 33]],
    [3, "DATA", [7, 20, 33]],
    [1, "BDAT", [7]],
    [3, "BDAT", [7]],
  ] as const)(
    "and run again, over %i connections by %s, sends to nobody twice, and tells of whom it does not know",
    async (jobs, way, kills) => {
      const server = await startSmtp({
        tls: await makeTlsMaterial(),
        onArrival: () => undefined,
        delay: 8,
        chunking: way === "BDAT",
      });
      const url = server.urls[0]?.url ?? "";
      const more = ["--jobs", String(jobs)];
      for (const most of kills) {
        const { child, ended } = begin(url, more);
        await until(() => server.mails.length >= most);
        child.kill("SIGKILL");
        await ended;
      }
      const rest = await user.run([...words(url), ...more]);
      await server.close();
      const told = objects(rest.stdout);
      const received = server.mails.flatMap(({ to }) => to);
      expect(new Set(received).size).toBe(received.length);
      const unknown = told
        .filter(({ event }) => event === "unknown")
        .map(({ recipient }) => String(recipient));
      // Each has it, or is told of.
      expect(PEOPLE.filter((one) => !received.includes(one) && !unknown.includes(one))).toEqual([]);
      expect(told.at(-1)).toMatchObject({ event: "done", unknown: unknown.length, refused: 0, later: 0 });
      expect(rest.status).toBe(unknown.length === 0 ? 0 : 13);
    },
  );
});

describe("two runs of one mailing", () => {
  let sandbox: Sandbox;

  beforeAll(async () => {
    sandbox = await startSandbox({ only: ["smtp"] });
  });

  afterAll(async () => {
    await sandbox.close();
  });

  it("do not go at the same time; another list, or server, is another mailing", async () => {
    const server = await startSmtp({ tls: await makeTlsMaterial(), onArrival: () => undefined, delay: 50 });
    try {
      const url = server.urls[0]?.url ?? "";
      const { child, ended } = begin(url);
      await until(() => server.mails.length >= 1);
      const second = await user.run(words(url));
      expect([second.status, second.stdout]).toEqual([12, ""]);
      expect(objects(second.stderr)).toMatchObject([
        {
          error: {
            code: "local",
            exit: 12,
            message: `this mailing is under way in another run (process ${child.pid})`,
            hint: "wait until it is done, or end it",
          },
        },
      ]);
      expect((await user.run(words(sandbox.url("smtp")))).status).toBe(0);
      child.kill("SIGTERM");
      await ended;
      const received = server.mails.length;
      expect((await user.run(words(url))).status).not.toBe(12);
      expect(server.mails.length).toBeGreaterThan(received);
    } finally {
      await server.close();
    }
  });
});

describe("the lock of a job", () => {
  const path = (name: string) => join(user.home, "locks", name);

  it("is one's own until it is let go", async () => {
    const lock = await JobLock.take(path("a"), "the job");
    await expect(JobLock.take(path("a"), "the job")).rejects.toMatchObject({ code: "local", exit: 12 });
    await lock.release();
    await (await JobLock.take(path("a"), "the job")).release();
    expect(await readdir(join(user.home, "locks"))).toEqual([]);
  });

  it("of a process that is gone, or of another with its number, holds nobody up", async () => {
    for (const holder of ["4194304-1", "1-1", `${process.pid}-1`]) {
      await writeFile(path(`b.${holder}.dead`), "");
      await (await JobLock.take(path("b"), "the job")).release();
    }
    expect(await readdir(join(user.home, "locks"))).toEqual([]);
  });

  it("of a machine that tells no processes is let go when nobody touches it any more", async () => {
    await writeFile(path("c.dead"), "");
    await expect(JobLock.take(path("c"), "the job")).rejects.toMatchObject({
      message: "the job is under way in another run",
    });
    const before = new Date(Date.now() - 60_000);
    await utimes(path("c.dead"), before, before);
    await (await JobLock.take(path("c"), "the job")).release();
  });

  it.skipIf(process.platform !== "linux")(
    "is not held by a process that has ended and is not waited for",
    async () => {
      await mkdir(join(user.home, "locks"), { recursive: true });
      // A parent that becomes another program asks after no child.
      const parent = spawn("sh", ["-c", "sleep 0.3 & echo $!; exec sleep 60"], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      try {
        const pid = String((await once(parent.stdout, "data"))[0]).trim();
        const factsOf = async () =>
          (await readFile(`/proc/${pid}/stat`, "latin1")).replace(/^.*\) /s, "").split(" ");
        while ((await factsOf())[0] !== "Z") await wait(5);
        await writeFile(`${path("e")}.${pid}-${(await factsOf())[19]}.0123456789abcdef`, "");
        await (await JobLock.take(path("e"), "the job")).release();
      } finally {
        parent.kill("SIGKILL");
      }
    },
  );

  it("is taken by one at most of many that begin at once, and by the next when that is done", async () => {
    await writeFile(path("d.4194304-1.dead"), "");
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, () => JobLock.take(path("d"), "the job")),
    );
    const taken = all.filter((one) => one.status === "fulfilled");
    expect(taken.length).toBeLessThanOrEqual(1);
    await taken[0]?.value.release();
    await (await JobLock.take(path("d"), "the job")).release();
    expect(await readdir(join(user.home, "locks"))).toEqual([]);
  });
});
