/** What `porthole ftp hash` prints is what sha256sum and its like check. */
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ftpOf, type Place, treeOf } from "../../verbs/places.js";
import { User } from "./program.js";

let user: User;
let place: Place;

beforeAll(async () => {
  user = await User.create();
  place = await ftpOf(treeOf({ "pub/chart.txt": "sand, 12 m\n" }));
});
afterAll(async () => {
  for (const one of [user, place]) await one[Symbol.asyncDispose]();
});

it.each(["sha512", "sha256", "md5"])("%s, as the sum program of that name checks it", async (algorithm) => {
  const { status, stdout } = await user.run(["ftp", "hash", `${place.url}pub/chart.txt`, algorithm, "-q"]);
  expect(status).toBe(0);
  expect(stdout).toMatch(new RegExp(`^${algorithm.toUpperCase()} \\(pub/chart\\.txt\\) = [\\da-f]+\\n$`));
  await mkdir(user.path("pub"), { recursive: true });
  const check = (content: string) =>
    writeFile(user.path("pub/chart.txt"), content).then(
      () => spawnSync(`${algorithm}sum`, ["-c", "--quiet"], { cwd: user.path("."), input: stdout }).status,
    );
  expect(await check("sand, 12 m\n")).toBe(0);
  expect(await check("mud, 3 m\n")).toBe(1);
});
