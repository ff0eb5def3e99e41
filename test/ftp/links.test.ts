/** Symbolic links: what they are, and what they lead to. */
import { describe, expect, it } from "vitest";
import { textContent } from "../../fixtures/servers/content.js";
import { FileTree } from "../../fixtures/servers/files.js";
import { all, contentOf, failureOf, opened } from "./opened.js";
import { prepareSandbox, sandbox } from "./served.js";

prepareSandbox();

const DATE = new Date("2024-03-01T08:30:15Z");

function linked(): FileTree {
  const tree = new FileTree();
  tree.makeFolder("/charts", { modified: DATE });
  tree.write("/charts/bay.txt", textContent("sand\n"), { modified: DATE });
  tree.link("/newest.txt", "charts/bay.txt");
  tree.link("/maps", "charts");
  tree.link("/lost", "nowhere");
  tree.link("/odd", "caf\xe9");
  return tree;
}

describe.each([
  ["MLSD", true],
  ["LIST", false],
])("links over FTP, with %s", (_, mlsd) => {
  it("are listed with what they say", async () => {
    await sandbox({ files: linked(), mlsd }, async ({ url }) => {
      await opened(`${url}/`, async (session) => {
        const links = (await all(session.list("/"))).filter(({ kind }) => kind === "link");
        const told = Object.fromEntries(links.map(({ name, meta }) => [name, meta["target"]]));
        expect(told).toEqual({
          "newest.txt": "charts/bay.txt",
          maps: "charts",
          lost: "nowhere",
          odd: "café",
        });
        // What is no UTF-8 can be told from what is.
        expect(links.map(({ meta }) => meta["targetOctets"])).toEqual(
          expect.arrayContaining([undefined, "caf%E9"]),
        );
      });
    });
  });

  it("are read, and entered, as what they lead to", async () => {
    await sandbox({ files: linked(), mlsd }, async ({ url }) => {
      await opened(`${url}/`, async (session) => {
        expect(await contentOf(session, "/newest.txt")).toBe("sand\n");
        const document = await session.read("/newest.txt");
        expect([document.total, document.entry.modified]).toEqual([5, DATE]);
        document.body.destroy();
        expect((await all(session.list("/maps/"))).map(({ name }) => name)).toEqual(["bay.txt"]);
      });
    });
  });

  it("are removed by themselves", async () => {
    const files = linked();
    await sandbox({ files, mlsd }, async ({ url }) => {
      await opened(`${url}/`, async (session) => {
        await session.remove("/maps", { recursive: true });
        await session.remove("/lost");
      });
    });
    expect([files.linkAt("/maps"), files.linkAt("/lost")]).toEqual([undefined, undefined]);
    expect(files.find("/charts/bay.txt")?.kind).toBe("file");
  });
});

describe("a link that MLST tells as one", () => {
  it("has the size and date of what it leads to, and says what that is", async () => {
    await sandbox({ files: linked() }, async ({ url }) => {
      await opened(`${url}/`, async (session) => {
        expect(await session.stat("/newest.txt")).toMatchObject({
          kind: "link",
          size: 5,
          modified: DATE,
          meta: { target: "charts/bay.txt", leadsTo: "file" },
        });
        expect((await session.stat("/maps")).meta).toMatchObject({ leadsTo: "directory" });
        expect((await session.stat("/lost")).meta).toMatchObject({ leadsTo: "nothing" });
        expect(await failureOf(session.read("/maps"))).toMatchObject({
          code: "refused",
          message: "maps is a folder",
        });
      });
    });
  });
});
