/** Walks through the sandbox, from protocol to protocol, on a screen that tells what it was sent. */
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import type { Graphics } from "../../src/browser/graphics.js";
import { Browsing, compiled } from "./browsing.js";
import { FakeScreen } from "./fake-screen.js";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ only: ["gopher", "ftp", "nntp", "pop3", "http", "telnet", "imap"] });
  await compiled(sandbox);
});
afterAll(async () => {
  await sandbox.close();
});

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("a menu", () => {
  it("is shown with numbers, kinds and the selected link's URL", async () => {
    await using at = await Browsing.open({ url: sandbox.url("gopher"), rows: 16 });
    await at.sees("8  link The files next door");
    expect(at.screen.row(1)).toBe(` 127.0.0.1 - ${sandbox.url("gopher")}`);
    expect(at.screen.row(2)).toBe("           A small harbour for clients");
    expect(at.screen.row(4)).toBe("   1  text Welcome");
    expect(at.screen.row(16)).toMatch(/^text gopher:\/\/127.0.0.1:\d+\/0\/texts\/welcome.txt +100%$/);
    expect(at.screen.strange).toEqual([]);
  });

  it("opens a link by arrow and Enter, and by its number, and goes back to where one was", async () => {
    await using at = await Browsing.open({ url: sandbox.url("gopher"), rows: 16 });
    await at.sees("Texts");
    at.press("Down", "Enter");
    await at.sees("The keeper's day");
    at.press("4");
    await at.sees(/^ Fog - gopher/);
    at.press("Left");
    await at.sees("The long watch");
    at.press("h");
    await at.sees("A small harbour");
    expect(at.screen.row(16)).toContain("/1/texts");
    at.press("L");
    await at.sees("The long watch");
  });

  it("leads to the folder above, from a text, a folder of files and a message, and says where there is none", async () => {
    await using at = await Browsing.open({ url: `${sandbox.url("gopher")}0/texts/fog.txt`, rows: 16 });
    await at.sees("In fog the horn");
    at.press("-");
    await at.sees("The long watch");
    at.press("^");
    await at.sees("A small harbour");
    at.press("M-Up");
    await at.sees("there is nothing above this place");
    at.press("Left");
    await at.sees("The long watch");
    at.press("g", `${sandbox.url("ftp")}pub/tides.csv`, "Enter");
    await at.sees("tides.csv - ftp");
    at.press("-");
    await at.sees("logbook.txt");
    at.press("-");
    await at.sees("welcome.txt");
    at.press("g", `${sandbox.url("nntp")}harbour.lights/1`, "Enter");
    await at.sees("The board proposes");
    at.press("-");
    await at.sees("Two flashes or");
  });

  it("keeps its name when it is loaded again, in another character set, too; one that nobody knows is refused", async () => {
    await using at = await Browsing.open({ url: `${sandbox.url("gopher")}1/texts`, rows: 16 });
    await at.sees("Accents of old");
    at.press("7");
    await at.sees(/^ Accents of old \(ISO 8859-1\) - /);
    at.press("e", "C-u", "klingon", "Enter");
    await at.sees("'klingon' is no character set that is known here");
    at.press("e", "C-u", "cp437", "Enter");
    await at.sees(/^ Accents of old \(ISO 8859-1\) - [\s\S]*Malm÷/);
  });

  it("asks for the words of a search, and lists what has them", async () => {
    await using at = await Browsing.open({ url: sandbox.url("gopher"), rows: 16 });
    await at.sees("Search the texts");
    at.press("5");
    await at.sees("Search the texts:");
    at.press("fog", "Enter");
    await at.sees(/^ fog - Search the texts/);
    await at.sees("Fog");
    // Its address has the words: a bookmark of it leads to what was found.
    at.press("E");
    await at.sees("/7/search%09fog");
    at.press("Enter");
    await at.sees(/Fog[\s\S]*100%/);
    expect(at.screen.text).not.toContain("Search the texts:");
  });

  it("tells the server's words when there is nothing, and the page stays", async () => {
    await using at = await Browsing.open({ url: sandbox.url("gopher"), rows: 16 });
    await at.sees("leads nowhere");
    at.press("6");
    await at.sees("'/lost' is not in this harbour");
    expect(at.screen.text).toContain("A small harbour for clients");
  });
});

describe("a link to another protocol", () => {
  it("is named before it opens, and stays closed after n", async () => {
    await using at = await Browsing.open({ url: sandbox.url("gopher"), rows: 16, columns: 100 });
    await at.sees("The files next door");
    at.press("8");
    await at.sees(/This leads to FTP: ftp:\/\/.* - open\? \[y\/n\]/);
    at.press("n");
    await at.sees(/^link ftp:.*100%$/m);
    expect(at.screen.text).toContain("A small harbour");
    at.press("8");
    await at.sees("[y/n]");
    at.press("y");
    await at.sees("dir  pub");
    at.press("Left");
    await at.sees("A small harbour");
  });
});

describe("what the others hold", () => {
  it("FTP folders, their files, and the session used again", async () => {
    await using at = await Browsing.open({ url: sandbox.url("ftp") });
    await at.sees("dir  pub");
    at.press("4");
    await at.sees(/^ pub - ftp:/);
    at.press("Left");
    await at.sees("welcome.txt");
    at.press("5");
    await at.sees(/^ welcome.txt - ftp/);
  });

  it("news groups as threads, and articles", async () => {
    await using at = await Browsing.open({ url: sandbox.url("nntp"), columns: 80 });
    await at.sees("grp  harbour.lights");
    at.press("1");
    await at.sees("Two flashes or three?");
    expect(at.screen.text).toMatch(/The Keeper +Two flashes or three\?\n.*cook@harbour.* {4}└ Re\n/);
    at.press("7");
    await at.sees("Newsgroups: harbour.lights");
  });

  it("a mailbox after a login at the bottom of the screen, with nothing of the password shown", async () => {
    await using at = await Browsing.open({ url: sandbox.url("pop3"), columns: 80 });
    await at.sees("User for 127.0.0.1:");
    at.press("porthole", "Enter");
    await at.sees("Password for porthole at 127.0.0.1:");
    at.press("sandbox");
    await at.sees(": *******");
    expect(at.screen.text).not.toContain("sandbox");
    at.press("Enter");
    await at.sees("Welcome aboard");
    at.press("5");
    await at.sees("From: Harbour Office");
    // Its URL ends in an identifier: the subject is a name for people.
    at.press("D");
    await at.sees(/Save as: .*\/Welcome aboard\.eml/);
    at.press("Enter");
    // Whoever has logged in is not asked again.
    await at.sees(/saved .*\/Welcome aboard\.eml/);
  });

  it("a login that was refused is asked for anew, and kept when it is right", async () => {
    await using at = await Browsing.open({ url: sandbox.url("imap"), columns: 100 });
    for (const [password, wanted] of [
      ["wrong", /refused|Authentication failed|not log/i],
      ["sandbox", "INBOX"],
    ] as const) {
      await at.sees("User for 127.0.0.1:");
      at.press("porthole", "Enter");
      await at.sees("Password for porthole at 127.0.0.1:");
      at.press(password, "Enter");
      await at.sees(wanted);
      if (password === "wrong") at.press("g", sandbox.url("imap"), "Enter");
    }
  });

  it("folders and files of this machine, which nobody from outside leads to", async () => {
    await using at = await Browsing.open({ rows: 16, columns: 100 });
    await writeFile(join(at.folder, "note.txt"), "written here\n");
    at.press("g", `${at.folder}/`, "Enter");
    await at.sees("text note.txt");
    at.press("Enter");
    await at.sees("written here");
    at.press("Left", "s", "note*", "Enter");
    await at.sees(/^ note\* - /);
    await at.sees("note.txt");
  });

  it("web pages as text, their links by number, and their source", async () => {
    await using at = await Browsing.open({ url: sandbox.url("http"), columns: 80, rows: 20 });
    await at.sees("THE HARBOUR OFFICE");
    expect(at.screen.row(1)).toContain("The harbour office - http://");
    at.press("\\");
    await at.sees("<!DOCTYPE html>");
    at.press("Left");
    await at.sees("THE HARBOUR OFFICE");
    at.press("0", "1", "Enter");
    await at.sees(/docs/);
  });

  it("a Telnet session gets the whole screen, and the browser has it back", async () => {
    await using at = await Browsing.open({ url: sandbox.url("gopher"), rows: 16 });
    await at.sees("Welcome");
    at.press("g", sandbox.url("telnet"), "Enter");
    await at.sees("Welcome");
    while (at.conversations.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(at.conversations[0]?.protocol).toBe("telnet");
    at.press("j");
    await at.sees("A small harbour");
  });
});

describe("what is kept", () => {
  it("bookmarks in a plain file, which the start page shows", async () => {
    await using at = await Browsing.open({ url: sandbox.url("gopher"), rows: 16 });
    await at.sees("Welcome");
    at.press("a", "C-u", "My harbour", "Enter");
    await at.sees(/kept in/);
    expect(await readFile(join(at.folder, "bookmarks"), "utf8")).toBe(
      `${sandbox.url("gopher")} My harbour\n`,
    );
    at.press("m");
    await at.sees("   1  My harbour");
  });

  it("downloads, while one reads on, and none that replaces a file unasked", async () => {
    await using at = await Browsing.open({ url: sandbox.url("gopher"), rows: 16, columns: 120 });
    await at.sees("Things to fetch");
    at.press("3");
    await at.sees("A note (PDF)");
    at.press("4", "D");
    await at.sees(/Save as: .*note\.pdf/);
    at.press("Enter");
    await at.sees(/saved .*note\.pdf/);
    expect((await readFile(join(at.folder, "note.pdf"))).subarray(0, 5).toString()).toBe("%PDF-");
    at.press("D", "Enter");
    await at.sees(/replace it\? \[y\/n\]/);
    at.press("n");
    at.press("J");
    await at.sees("done");
  });

  it("a download tells how far it is while one looks at it, and leads to what it saved", async () => {
    // Some octets, and the rest when the test says so.
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (request) => {
        if (request.toString() === "\r\n") {
          socket.end(`9Slow\t/slow\t127.0.0.1\t${portOf(server)}\r\n.\r\n`);
          return;
        }
        socket.write("x".repeat(300_000));
        rest = () => socket.end("y".repeat(200_000));
      });
    });
    let rest = (): void => undefined;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await using at = await Browsing.open({
        url: `gopher://127.0.0.1:${portOf(server)}/`,
        rows: 16,
        columns: 120,
      });
      await at.sees("Slow");
      at.press("d", "Enter", "J");
      await at.sees(/running +\S+slow +\d+K$/m);
      rest();
      const seen = await at.sees(/^ +1 +done +\S+slow +488K/m);
      expect(seen).not.toContain("running");
      expect(at.screen.row(1)).toContain("Downloads");
      at.press("1");
      await at.sees("xxxxxxxx");
    } finally {
      server.close();
    }
  });

  it("an image is named and not fetched", async () => {
    await using at = await Browsing.open({ url: sandbox.url("gopher"), rows: 16, columns: 80 });
    await at.sees("Things to fetch");
    at.press("3");
    await at.sees("img  A lighthouse (PNG)");
    at.press("1");
    await at.sees("nothing of it has been fetched");
    expect(at.screen.text).toContain("Type  image/png");
    at.press("I");
    await at.sees("▀▀▀");
    expect([...at.screen.styles].some((style) => style.startsWith("38;2;"))).toBe(true);
    expect(at.screen.strange).toEqual([]);
  });
});

describe("a screen of pixels", () => {
  class PixelScreen extends FakeScreen {
    graphics: Graphics | undefined;
    wanted = 0;
    pictures: string[] = [];

    wantGraphics(): void {
      this.wanted += 1;
    }

    override write(text: string): void {
      this.pictures.push(...(text.match(/\x1b_G.*?\x1b\\/g) ?? []));
      super.write(text.replace(/\x1b_G.*?\x1b\\/g, ""));
    }
  }

  it("has blocks until it says what it can, then the picture, and none of it on the next page", async () => {
    const screen = new PixelScreen(60, 16);
    await using at = await Browsing.open({ url: `${sandbox.url("gopher")}1/things`, settings: { screen } });
    const sees = async (wanted: string, isThere = true) => {
      for (const end = performance.now() + 5000; screen.text.includes(wanted) !== isThere; ) {
        if (performance.now() > end) throw new Error(`${wanted}:\n${screen.text}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await sees("A lighthouse (PNG)");
    expect(screen.wanted).toBe(0);
    at.press("1");
    await sees("nothing of it has been fetched");
    at.press("I");
    await sees("▀▀▀");
    expect([screen.wanted > 0, screen.pictures]).toEqual([true, []]);
    screen.graphics = { kind: "kitty", cell: { width: 10, height: 20 } };
    at.browser.redraw();
    await sees("▀▀▀", false);
    for (const end = performance.now() + 5000; screen.pictures.length === 0 && performance.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(screen.pictures.at(-1)).toMatch(
      /^\x1b_Ga=T,f=100,i=1,p=1,q=2,C=1,c=\d+,r=\d+,m=0;[A-Za-z0-9+/=]+\x1b\\$/,
    );
    screen.pictures = [];
    at.press("h");
    await sees("A lighthouse (PNG)");
    expect(screen.pictures).toEqual(["\x1b_Ga=d,d=I,i=1,q=2\x1b\\"]);
    expect(screen.strange).toEqual([]);
  });
});

describe("a form", () => {
  it("of a web page is filled in at the bottom of the screen, and its answer opens", async () => {
    const { createServer } = await import("node:http");
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.setHeader("content-type", "text/html");
      response.end(
        request.url === "/"
          ? '<p>Ask away</p><form action="/find"><input name="q"><input type="hidden" name="h" value="1"></form>'
          : "<p>Here it is</p>",
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      await using at = await Browsing.open({ url: `http://127.0.0.1:${port}/` });
      await at.sees("Ask away");
      at.press("F");
      await at.sees("q:");
      at.press("fog & horn", "Enter");
      await at.sees("Here it is");
      expect(asked.at(-1)).toBe("/find?q=fog+%26+horn&h=1");
    } finally {
      server.close();
    }
  });
});

describe("a form that is posted", () => {
  interface Asked {
    readonly line: string;
    readonly body: string;
  }

  async function facing(form: string, act: (at: Browsing, asked: readonly Asked[]) => Promise<void>) {
    const { createServer } = await import("node:http");
    const asked: Asked[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece) => {
        body += piece;
      });
      request.on("end", () => {
        asked.push({ line: `${request.method} ${request.url}`, body });
        response.setHeader("content-type", "text/html");
        if (request.method === "POST") response.writeHead(303, { location: "/kept/" });
        response.end(
          request.url === "/kept/" ? '<p>It is kept</p><a href="more">More</a>' : `<p>Sign here</p>${form}`,
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      await using at = await Browsing.open({ url: `http://127.0.0.1:${port}/`, columns: 120 });
      await at.sees("Sign here");
      await act(at, asked);
    } finally {
      server.close();
    }
  }

  const SIGN =
    '<form action="/sign" method="post"><label for="w">Name</label><input name="who" id="w"><input type="password" name="word"></form>';

  it("says where it goes and what with, goes once, and its answer's links are meant from where it led", async () => {
    await facing(SIGN, async (at, asked) => {
      at.press("F");
      await at.sees("Name [who]:");
      at.press("Ann & Bo", "Enter");
      await at.sees(/^word:$/m);
      at.press("quiet", "Enter");
      const text = await at.sees(/Send who, word to http:.*\/sign by POST, in clear\? \[y\/n\]/);
      expect(text).not.toContain("quiet");
      expect(asked.map(({ line }) => line)).toEqual(["GET /"]);
      at.press("y");
      await at.sees("It is kept");
      expect(asked.slice(1)).toEqual([
        { line: "POST /sign", body: "who=Ann+%26+Bo&word=quiet" },
        { line: "GET /kept/", body: "" },
      ]);
      await at.sees(/http:\/\/.*\/kept\/more +100%/);
      at.press("r");
      await at.sees("Send the form once more? [y/n]");
      at.press("n");
      await at.sees(/kept\/more +100%/);
      expect(asked).toHaveLength(3);
    });
  });

  it("stays here when the person says no", async () => {
    await facing(SIGN, async (at, asked) => {
      at.press("F");
      await at.sees("Name [who]:");
      at.press("Enter");
      await at.sees(/^word:$/m);
      at.press("Enter");
      await at.sees("[y/n]");
      at.press("n");
      await at.sees("? for help");
      expect(asked).toHaveLength(1);
    });
  });

  it("is not sent where its password would stand in the address, or as what is not written here", async () => {
    await facing('<form><input type="password" name="p"></form>', async (at) => {
      at.press("F");
      await at.sees("it is not sent");
    });
    await facing('<form method="post" enctype="multipart/form-data"><input name="p"></form>', async (at) => {
      at.press("F");
      await at.sees("this form is sent as multipart/form-data: porthole http post");
    });
  });
});

describe("the address line", () => {
  it("completes from history, and refuses what nothing here can open, with the address to copy", async () => {
    await using at = await Browsing.open({ url: `${sandbox.url("gopher")}1/texts`, rows: 16, columns: 100 });
    await at.sees("Fog");
    at.press("g", "127", "Tab");
    await at.sees(/Go to: gopher:\/\/127.*\/1\/texts/);
    at.press("C-u", "xmpp://someone@example.org", "Enter");
    await at.sees("to copy: xmpp://someone@example.org");
  });
});

describe("tabs", () => {
  it("open a link beside the page, and close again", async () => {
    await using at = await Browsing.open({ url: sandbox.url("gopher"), rows: 16 });
    await at.sees("Texts");
    at.press("Down", "t");
    await at.sees("The long watch");
    expect(at.screen.row(1)).toMatch(/^ 1 127.0.0.1 {2}2 Texts/);
    at.press(",");
    await at.sees("A small harbour");
    at.press(".", "w");
    await at.sees("A small harbour");
    expect(at.screen.row(1)).toContain("gopher://");
  });
});
