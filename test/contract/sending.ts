/** Sending: what arrives is what was sent, more than once on a session. */
import { buffer } from "node:stream/consumers";
import { expect, it } from "vitest";
import { need, offered, type Room } from "./place.js";
import { visit } from "./visit.js";

export function describeSending(room: Room): void {
  if (room.place.outgoing?.().kind === "octets") describeOctets(room);
  else describeMessages(room);
}

function describeOctets(room: Room): void {
  it("sends octets as they are, and then again", async () => {
    await visit(room, async (session, { wire }) => {
      for (const type of ["text/plain", "application/x-harbour"]) {
        const copy = need(room.place.outgoing, "outgoing")({ type });
        if (copy.kind !== "octets") throw new Error("this place takes octets");
        const octets = await buffer(copy.source.body);
        const before = wire.sent.length;
        const report = await offered(session, "send")(need(room.place.outgoing, "outgoing")({ type }));
        expect(report).toMatchObject({ refused: [], size: octets.length });
        expect(report.accepted).toHaveLength(1);
        expect(report.reply).toMatch(/\S/);
        const sent = wire.sent.subarray(before);
        const wanted = room.place.onTheWire?.(octets, type) ?? [octets, type];
        for (const part of wanted) expect(sent.includes(part), String(part)).toBe(true);
      }
    });
  });
}

function describeMessages(room: Room): void {
  it("sends messages that arrive the same, and then again", async () => {
    await visit(room, async (session) => {
      const make = need(room.place.outgoing, "outgoing");
      const recipients = room.place.recipients ?? ["pilot@harbour.example", "cook@harbour.example"];
      for (const [at, to] of recipients.entries()) {
        // A news server takes no Message-ID twice.
        const change = { to, messageId: `<light-${at}@sent.harbour.example>` };
        const copy = make(change);
        if (copy.kind !== "message") throw new Error("the sandbox takes messages alone");
        const raw = await buffer(copy.raw);
        const report = await offered(session, "send")(make(change));
        expect(report).toMatchObject({ accepted: [to], refused: [], messageId: copy.messageId });
        expect(report.reply).toMatch(/\S/);
        const mail = room.sandbox().mails.at(-1);
        expect(mail).toMatchObject({ from: copy.envelope.from, to: [to] });
        expect(mail?.raw.toString()).toBe(raw.toString());
      }
    });
  });
}
