import { expect, it } from "vitest";
import { rehomed, renamingsOf } from "../../src/verbs/homes.js";

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
  const moved = rehomed(names, isContainer, { from, to, renamings: [] }).join("/");
  expect(isContainer ? `${moved}/` : moved).toBe(expected);
});

it.each([
  [["a.b", "c.d"], ".", ["a", "b", "c", "d"]],
  [["a.b"], "/", ["a.b"]],
  [["a.b"], undefined, ["a.b"]],
  // A level without a name is none: the server says what it thinks of it.
  [["a..b"], ".", ["a..b"]],
  [[".a", "b."], ".", [".a", "b."]],
  [["Inbox.x"], ".", ["INBOX", "x"]],
  [["inbox"], "/", ["INBOX"]],
  [["x", "inbox"], "/", ["x", "inbox"]],
])(
  "a mailbox %j goes where %j parts levels to %j, and so does what is in it",
  (names, separator, expected) => {
    const parted = separator === undefined ? {} : { separator, isAccount: true };
    const moving = { from: [], to: [], renamings: [], ...parted };
    expect(rehomed(names, true, moving)).toEqual(expected);
    expect(rehomed([...names, "7.a"], false, moving)).toEqual([...expected, "7.a"]);
    // Within a mailbox a name is what it is.
    const within = expected.map((level) => (level === "INBOX" ? (names[0]?.slice(0, 5) ?? "") : level));
    expect(rehomed(names, true, { ...moving, isAccount: false })).toEqual(within);
  },
);

const AT = { from: [], to: [] };
const SENT = { levels: ["Sent"], use: "sent" } as const;
const ITEMS = { levels: ["Sent Items"], use: "sent" } as const;
const TO_ITEMS = [{ from: ["Sent"], to: ["Sent Items"] }];

it("calls a mailbox by the name that the target has for its use, with what lies within it", () => {
  const renamings = renamingsOf([SENT, { levels: ["Sent", "2019"] }, { levels: ["Sentinel"] }], [ITEMS], AT);
  expect(renamings).toEqual(TO_ITEMS);
  const moving = { ...AT, renamings };
  expect(rehomed(["Sent"], true, moving)).toEqual(["Sent Items"]);
  expect(rehomed(["Sent", "7"], false, moving)).toEqual(["Sent Items", "7"]);
  expect(rehomed(["Sent", "2019", "7"], false, moving)).toEqual(["Sent Items", "2019", "7"]);
  expect(rehomed(["Sentinel", "7"], false, moving)).toEqual(["Sentinel", "7"]);
});

it.each([
  ["the target has none of its use", [SENT], [{ levels: ["Sent Items"] }]],
  ["the target has two", [SENT], [ITEMS, { levels: ["Gesendet"], use: "sent" }]],
  ["the source has two", [SENT, { levels: ["Gesendet"], use: "sent" }], [ITEMS]],
  ["the source has another one of that name", [SENT, { levels: ["Sent Items"] }], [ITEMS]],
  ["it is called so by its home alone", [SENT], [{ levels: ["INBOX", "Sent"], use: "sent" }]],
] as const)("leaves a mailbox its name where %s", (_, source, target) => {
  const to = target[0]?.levels[0] === "INBOX" ? ["INBOX"] : [];
  expect(renamingsOf(source, target, { from: [], to })).toEqual([]);
});

it("swaps two that are called each by the other's name", () => {
  const source = [SENT, { levels: ["Bin"], use: "trash" }] as const;
  const target = [
    { levels: ["Bin"], use: "sent" },
    { levels: ["Sent"], use: "trash" },
  ] as const;
  expect(renamingsOf(source, target, AT)).toEqual([
    { from: ["Sent"], to: ["Bin"] },
    { from: ["Bin"], to: ["Sent"] },
  ]);
});
