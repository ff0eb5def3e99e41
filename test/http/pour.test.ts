/** Bodies by the short way: Document.pour of a session on Porthole's own engine. */
import { describe, expect, it } from "vitest";
import type { Script } from "../../fixtures/servers/scripted.js";
import type { Document, Session } from "../../src/plugin.js";
import { answered, asked, OK, read, talk, textOf } from "./over-client.js";

function head(...lines: readonly string[]): string {
  return `${[OK, ...lines].join("\r\n")}\r\n\r\n`;
}

async function poured(session: Session, path = "/"): Promise<string> {
  const pieces: string[] = [];
  await pourOf(await read(session, path))((octets) => {
    pieces.push(octets.toString("latin1"));
    octets.fill("!");
  });
  return pieces.join("");
}

function pourOf(document: Document): NonNullable<Document["pour"]> {
  if (document.pour === undefined) throw new Error("the document cannot be poured");
  return document.pour;
}

const FRAMINGS: Readonly<Record<string, Script>> = {
  "Content-Length": asked()
    .send(`${head("Content-Length: 12")}hello, `)
    .pause(20)
    .send("world"),
  chunks: asked()
    .send(`${head("Transfer-Encoding: chunked")}7\r\nhel`)
    .pause(20)
    .send("lo, \r\n5\r\nworld\r\n0\r\nX-Sum: 1\r\n")
    .pause(20)
    .send("\r\n"),
};

describe("a body that is poured", () => {
  it.each(Object.entries(FRAMINGS))("ends by %s, and the connection serves again", async (_name, play) => {
    await talk(play.and(asked()).and(answered("200 OK", [], "again")), async (session, server) => {
      expect(await poured(session)).toBe("hello, world");
      expect(await textOf(session, "/")).toBe("again");
      expect(server.connections).toHaveLength(1);
    });
  });

  it("ends by the close", async () => {
    await talk(asked().send(`${head()}hello, `).pause(20).send("world").drop(), async (session) => {
      expect(await poured(session)).toBe("hello, world");
    });
  });

  it.each([
    ["Content-Length", "Content-Length: 10"],
    ["chunks", "Transfer-Encoding: chunked"],
  ])("and is cut: %s", async (_name, framing) => {
    const start = framing.startsWith("T") ? "a\r\nhello" : "hello";
    await talk(
      asked()
        .send(head(framing) + start)
        .drop(),
      async (session) => {
        const document = await read(session, "/");
        let came = "";
        const pouring = pourOf(document)((octets) => {
          came += octets.toString();
        });
        await expect(pouring).rejects.toMatchObject({
          code: "protocol",
          message: "the connection ended before the whole body had come",
        });
        expect(came).toBe("hello");
        expect(document.body.destroyed).toBe(true);
      },
    );
  });

  it("ends in what its reader throws, at once or later, and the session goes on", async () => {
    const play = () =>
      asked()
        .send(`${head("Content-Length: 10")}hello`)
        .drain();
    await talk([play(), play(), asked().and(answered("200 OK", [], "again"))], async (session) => {
      const full = new Error("the disk is full");
      const now = pourOf(await read(session, "/"))(() => {
        throw full;
      });
      await expect(now).rejects.toBe(full);
      const later = pourOf(await read(session, "/"))(() => Promise.reject(full));
      await expect(later).rejects.toBe(full);
      expect(await textOf(session, "/")).toBe("again");
    });
  });

  it("ends when it is left", async () => {
    await talk(
      asked()
        .send(`${head("Content-Length: 10")}hello`)
        .drain(),
      async (session) => {
        const document = await read(session, "/");
        const reason = new Error("no longer wanted");
        const pouring = pourOf(document)(() => {
          document.body.destroy(reason);
        });
        document.body.on("error", () => undefined);
        await expect(pouring).rejects.toThrow("no longer wanted");
      },
    );
  });

  it("takes the next octets only when the last are taken", async () => {
    const play = asked().send(head("Content-Length: 20000000")).flood(20_000_000);
    await talk(play, async (session, server) => {
      let busy = false;
      let octets = 0;
      let slow = 5;
      await pourOf(await read(session, "/"))(async (piece) => {
        expect(busy).toBe(false);
        busy = true;
        if (slow-- > 0) await new Promise((resolve) => setTimeout(resolve, 30));
        if (slow === 0) expect(server.connections[0]?.accepted).toBeLessThan(20_000_000);
        octets += piece.length;
        busy = false;
      });
      expect(octets).toBe(20_000_000);
    });
  });

  it("is not there for what has to be decoded", async () => {
    await talk(asked().and(answered("200 OK", ["Content-Encoding: gzip"], "")), async (session) => {
      const document = await read(session, "/");
      expect(document.pour).toBeUndefined();
      document.body.destroy();
    });
  });
});
