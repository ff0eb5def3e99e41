/** Sending: what arrives is what was sent, more than once on a session. */
import { buffer } from "node:stream/consumers";
import { expect, it } from "vitest";
import { need, offered, type Room } from "./place.js";
import { visit } from "./visit.js";

export function describeSending(room: Room): void {
  it("sends octets that arrive the same, and then again", async () => {
    await visit(room, async (session) => {
      const make = need(room.place.outgoing, "outgoing");
      const copy = make();
      if (copy.kind !== "message") throw new Error("the sandbox takes messages alone");
      const raw = await buffer(copy.raw);
      for (const to of ["pilot@harbour.example", "cook@harbour.example"]) {
        const report = await offered(session, "send")(make({ to }));
        expect(report).toMatchObject({ accepted: [to], refused: [], messageId: copy.messageId });
        expect(report.reply).toMatch(/\S/);
        const mail = room.sandbox().mails.at(-1);
        expect(mail).toMatchObject({ from: copy.envelope.from, to: [to] });
        expect(mail?.raw.toString()).toBe(raw.toString());
      }
    });
  });
}
