import { describe, expect, it } from "vitest";
import { addressesIn, parseMailbox } from "../../src/message/address.js";

describe("one mailbox as people write it", () => {
  it.each([
    ["a@b.example", "", "a@b.example"],
    [" <a@b.example> ", "", "a@b.example"],
    ["Ann Bee <a@b.example>", "Ann Bee", "a@b.example"],
    ["O'Hara <o'hara@b.example>", "O'Hara", "o'hara@b.example"],
    ['"Bee, Ann \\"A\\"" <a@b.example>', 'Bee, Ann "A"', "a@b.example"],
    ['"a<b" <a@b.example>', "a<b", "a@b.example"],
    ["Jürgen <j@bücher.example>", "Jürgen", "j@xn--bcher-kva.example"],
    ["root", "", "root"],
    ['"a b"@c.example', "", '"a b"@c.example'],
    ["a@[IPv6:::1]", "", "a@[IPv6:::1]"],
  ])("%s", (text, name, address) => {
    expect(parseMailbox(text, "it")).toEqual({ name, address });
  });

  it.each([
    "",
    "<>",
    "a@b>",
    "a b@c.example",
    "Ann, Bee <a@b.example>",
    "a@b.example (Ann)",
    `${"a".repeat(1001)}@b`,
  ])("not %j", (text) => {
    expect(() => parseMailbox(text, "it")).toThrow(/is not one mail address/);
  });
});

describe("addresses in a header", () => {
  it.each([
    ["a@b, c@d", ["a@b", "c@d"]],
    ['"x, y" <a@b>, (z, <e@f>) c@d (a (nested) one)', ["a@b", "c@d"]],
    ["Friends: a@b, Bob <c@d>; e@f", ["a@b", "c@d", "e@f"]],
    ["undisclosed-recipients:;", []],
    ["<@relay.example,@other.example:a@b>", ["a@b"]],
    ['"a:b;c"@d.example', ['"a:b;c"@d.example']],
    ["a@[IPv6:::1], b@c", ["a@[IPv6:::1]", "b@c"]],
    [", ,a@b,", ["a@b"]],
    ["=?utf-8?Q?J=C3=BCrgen?= <a@b>", ["a@b"]],
    ["", []],
  ])("%s", (field, addresses) => {
    expect(addressesIn(field, "the To field's")).toEqual(addresses);
  });

  it.each(["not an address", "a@b c@d", "<a@b\r\nRCPT TO:<x>", "a@b>x"])("not %j", (field) => {
    expect(() => addressesIn(field, "it")).toThrow(/is not one mail address/);
  });
});
