import { expect, it } from "vitest";
import { rehomed } from "../../src/verbs/homes.js";

const IN_INBOX = ["INBOX"];

it.each([
  ["Lists/tech/", [], IN_INBOX, "INBOX/Lists/tech/"],
  ["Lists/tech/7", [], IN_INBOX, "INBOX/Lists/tech/7"],
  ["INBOX/Lists/", IN_INBOX, [], "Lists/"],
  ["INBOX/Lists/7", IN_INBOX, [], "Lists/7"],
  // INBOX itself is the same everywhere.
  ["INBOX/", [], IN_INBOX, "INBOX/"],
  ["INBOX/7", [], IN_INBOX, "INBOX/7"],
  ["INBOX/", IN_INBOX, [], "INBOX/"],
  ["INBOX/7", IN_INBOX, [], "INBOX/7"],
  ["INBOX/Lists/", IN_INBOX, IN_INBOX, "INBOX/Lists/"],
  ["INBOX/Lists/", [], [], "INBOX/Lists/"],
  // What lies within INBOX already, though nothing has to.
  ["INBOX/Lists/7", [], IN_INBOX, "INBOX/Lists/7"],
  // Others' mailboxes lie outside of one's own.
  ["shared/news/", IN_INBOX, ["Mail"], "Mail/shared/news/"],
  ["7", [], IN_INBOX, "7"],
])("%s from %j to %j is %s", (path, from, to, expected) => {
  const isContainer = path.endsWith("/");
  const names = path.split("/").filter((name) => name !== "");
  const moved = rehomed(names, isContainer, from, to).join("/");
  expect(isContainer ? `${moved}/` : moved).toBe(expected);
});
