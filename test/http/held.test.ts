/** Answers that come in one piece: Document.held of a session on Porthole's own engine. */
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { answered, asked, OK, read, talk, textOf } from "./over-client.js";

describe("an answer that comes in one piece", () => {
  it.each([
    ["a short one", asked().and(answered("200 OK", [], "hello")), "hello"],
    ["an empty one", asked().and(answered("200 OK")), ""],
    ["one that has no body by its status", asked().send("HTTP/1.1 204 No Content\r\n\r\n"), ""],
  ])("is held: %s; the connection serves again before anybody reads", async (_name, play, text) => {
    await talk(play.and(asked()).and(answered("200 OK", [], "again")), async (session, server) => {
      const document = await read(session, "/");
      expect(document.held?.toString()).toBe(text);
      expect(await textOf(session, "/")).toBe("again");
      expect(server.connections).toHaveLength(1);
      expect((await buffer(document.body)).toString()).toBe(text);
    });
  });

  it("may be left as any other", async () => {
    const twice = asked()
      .and(answered("200 OK", [], "hello"))
      .and(asked())
      .and(answered("200 OK", [], "again"));
    await talk(twice, async (session) => {
      const { body } = await read(session, "/");
      body.destroy();
      expect(await textOf(session, "/")).toBe("again");
    });
  });

  it("is not held when its body comes later, nor when something has to be decoded", async () => {
    const late = asked().send(`${OK}\r\nContent-Length: 5\r\n\r\n`).pause(50).send("hello");
    const coded = asked().and(answered("200 OK", ["Content-Encoding: gzip"], ""));
    await talk(late.and(coded), async (session) => {
      const document = await read(session, "/");
      expect(document.held).toBeUndefined();
      expect((await buffer(document.body)).toString()).toBe("hello");
      const decoded = await read(session, "/");
      expect(decoded.held).toBeUndefined();
      decoded.body.destroy();
    });
  });

  it("and what the server sends beyond it is taken for no other answer", async () => {
    const more = asked().send(
      `${OK}\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad`,
    );
    await talk([more.drain(), asked().and(answered("200 OK", [], "good"))], async (session, server) => {
      expect((await read(session, "/")).held?.toString()).toBe("hello");
      expect(await textOf(session, "/")).toBe("good");
      expect(server.connections).toHaveLength(2);
    });
  });
});
