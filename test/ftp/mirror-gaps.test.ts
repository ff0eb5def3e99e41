/** A listing of which something had to be left out is no proof that anything is gone. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { User } from "../cli/program/program.js";
import { GOODBYE, passive } from "./opened.js";

let user: User;
beforeAll(async () => {
  user = await User.create();
});
afterAll(() => user[Symbol.asyncDispose]());

describe("mirror --delete", () => {
  it("removes nothing, and ends with 13, where lines of the listing could not be read", async () => {
    const folder = user.path("kept");
    await mkdir(folder);
    await writeFile(`${folder}/a`, "");
    await writeFile(`${folder}/b`, "");
    await using data = await scripted(script().send("type=file; a\r\n<b>\r\n"));
    const listed = conversation(`
      S: 220 ready
      C: USER anonymous
      S: 230 come in
      C: FEAT
      S: 211-Features:
      S:  MLST type*;size*;modify*;
      S: 211 End
      C: MLST /pub
      S: 250-it is
      S:  type=dir; /pub
      S: 250 End
      ${passive(data)}
      C: MLSD /pub
      S: 150 here
    `)
      .call(() => data.done)
      .and(conversation("S: 226 done"));
    await using server = await scripted(listed.and(GOODBYE));
    const { status, stderr } = await user.run([
      "mirror",
      server.url("ftp", "//pub"),
      folder,
      "--delete",
      "-v",
      "--keep-alive",
      "0",
    ]);
    expect(stderr).toContain("in no known form and w");
    expect(status).toBe(13);
    expect((await readdir(folder)).sort()).toEqual(["a", "b"]);
  });
});
