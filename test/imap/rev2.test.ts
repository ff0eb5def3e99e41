/** A server that speaks IMAP4rev2 (RFC 9051) and nothing of old: what were extensions is there untold. */
import { expect, it } from "vitest";
import { conversation } from "../../fixtures/servers/scripted.js";
import { all, listed, plays } from "./talk.js";

const REV2 = conversation(`
  S: * OK [CAPABILITY IMAP4rev2] ready
  C: A1 LOGIN "ann" "open sesame"
  S: A1 OK [CAPABILITY IMAP4rev2] come in
`);

it("is asked for mailboxes and what they hold at once, and their names are UTF-8", async () => {
  const play = REV2.expect(
    'A2 LIST "" "%" RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (MESSAGES UNSEEN UIDNEXT UIDVALIDITY SIZE))',
  ).sendLines(
    '* LIST (\\Subscribed) "/" INBOX',
    "* STATUS INBOX (MESSAGES 3 UNSEEN 1 UIDNEXT 9 UIDVALIDITY 17 SIZE 1000)",
    '* LIST (\\Sent) "/" "K&AOk-"',
    "A2 OK",
  );
  await plays(play, async (session) => {
    expect(await listed(session, "/")).toMatchObject([
      { name: "INBOX", size: 1000, meta: { messages: 3, subscribed: true } },
      { name: "K&AOk-", meta: { specialUse: "\\Sent", subscribed: false } },
    ]);
  });
});

it("searches by ESEARCH, and gives what is found", async () => {
  const play = REV2.and(
    conversation(`
      C: A2 EXAMINE "INBOX"
      S: * 3 EXISTS
      S: * OK [UIDVALIDITY 17] valid
      S: A2 OK [READ-ONLY] open
      C: A3 UID SEARCH RETURN (ALL) UNSEEN
      S: * ESEARCH (TAG "A3") UID ALL 7
      S: A3 OK
      C: A4 UID FETCH 7 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)
      S: * 2 FETCH (UID 7 FLAGS () INTERNALDATE "02-Nov-2026 08:00:00 +0000" RFC822.SIZE 4 ENVELOPE (NIL "hi" NIL NIL NIL NIL NIL NIL NIL NIL))
      S: A4 OK
    `),
  );
  await plays(play, async (session) => {
    const found = session.search?.("/INBOX", "unseen");
    expect(found === undefined ? [] : await all(found)).toMatchObject([{ name: "hi" }]);
  });
});

it("moves without copying", async () => {
  const play = REV2.and(
    conversation(`
      C: A2 SELECT "INBOX"
      S: * 1 EXISTS
      S: * OK [UIDVALIDITY 17] valid
      S: A2 OK [READ-WRITE] open
      C: A3 UID FETCH 7 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)
      S: * 1 FETCH (UID 7 FLAGS () INTERNALDATE "02-Nov-2026 08:00:00 +0000" RFC822.SIZE 4 ENVELOPE (NIL "hi" NIL NIL NIL NIL NIL NIL NIL NIL))
      S: A3 OK
      C: A4 UID MOVE 7 "Done"
      S: * OK [COPYUID 18 7 1] moved
      S: * 1 EXPUNGE
      S: A4 OK
    `),
  );
  await plays(play, async (session) => {
    expect(await session.move?.("/INBOX/;UID=7", "/Done")).toMatchObject({ name: "hi", meta: { uid: 1 } });
  });
});
