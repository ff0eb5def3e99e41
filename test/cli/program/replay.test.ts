/** `porthole replay FILE`, and the recordings that it serves. */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox } from "../../../fixtures/servers/sandbox.js";
import { User } from "./program.js";

const WIRE = join(import.meta.dirname, "..", "..", "..", "fixtures", "wire");

let user: User;

beforeAll(async () => {
  user = await User.create();
});
afterAll(async () => {
  await user[Symbol.asyncDispose]();
});

describe("replay", () => {
  it("serves what --record kept, without the server: the same output", async () => {
    const sandbox = await startSandbox({ only: ["http"] });
    const page = `${sandbox.url("http")}files/welcome.txt`;
    const first = await user.run(["get", page, "--record", "visit.rec"]);
    await sandbox.close();
    expect(first.status).toBe(0);

    const server = user.start(["replay", "visit.rec", "--once"]);
    const url = (await server.says(/^http:\S+\n/)).trim();
    const again = await user.run(["get", `${url}files/welcome.txt`]);
    expect([again.status, again.stdout]).toEqual([0, first.stdout]);
    expect(await server.ended).toMatchObject({ status: 0, stderr: "" });
  });

  it("a real vsftpd's recording, on the port that was asked for, again and again until Ctrl-C", async () => {
    const free = user.start(["replay", join(WIRE, "vsftpd-3.0.3.rec"), "--json"]);
    const { url } = JSON.parse(await free.says("\n"));
    for (let visit = 0; visit < 2; visit++) {
      const { status, stdout } = await user.run(["get", `${String(url)}pub/text.txt`]);
      expect([status, stdout]).toEqual([0, "One\n.\n..two\nThe end.\n"]);
    }
    const port = new URL(url).port;
    const taken = await user.run(["replay", join(WIRE, "vsftpd-3.0.3.rec"), "--port", port]);
    expect(taken.status).toBe(4);
    free.child.kill("SIGINT");
    expect(await free.ended).toMatchObject({ status: 0, stderr: "" });
  });

  it("tells what a client says that was never recorded", async () => {
    const server = user.start(["replay", join(WIRE, "nginx-1.22.1.rec"), "--once"]);
    const url = (await server.says("\n")).trim();
    const { status } = await user.run(["get", `${url}another`]);
    expect(status).not.toBe(0);
    expect((await server.ended).stderr).toContain('but the client says "GET /another HTTP/1.1"');
  });

  it("refuses what is no recording, what was changed, and what is not there", async () => {
    await writeFile(user.path("letter.txt"), "Dear keeper,\n");
    const changed = readFileSync(join(WIRE, "nginx-1.22.1.rec"), "latin1").replace("The end.", "The sea.");
    await writeFile(user.path("changed.rec"), changed);
    const told = async (...args: string[]) => {
      const { status, stdout, stderr } = await user.run(["replay", ...args]);
      expect(stdout).toBe("");
      return [status, stderr.split("\n")[0]];
    };
    expect(await told("letter.txt")).toEqual([
      2,
      expect.stringContaining("this is no recording of Porthole's"),
    ]);
    expect(await told("changed.rec")).toEqual([2, expect.stringContaining("its checksum does not fit")]);
    expect(await told("nowhere.rec")).toEqual([12, expect.stringContaining("nowhere.rec")]);
    expect(await told()).toEqual([2, expect.stringContaining("replay wants one recording")]);
    expect(await told("changed.rec", "--port", "70000")).toEqual([2, expect.any(String)]);
  });
});
