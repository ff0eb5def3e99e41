import { describe, expect, it } from "vitest";
import { Newsrc } from "../../protocols/nntp/newsrc.js";
import {
  baseSubject,
  type Threadable,
  type ThreadNode,
  threadsOf,
  walk,
} from "../../src/message/threading.js";

const article = (id: string, references: string[] = [], subject = "x"): Threadable => ({
  id,
  references,
  subject,
});

/** A tree as nested text: `a(b c(d))`, `-` for a place without an article. */
function drawn(threads: readonly ThreadNode<Threadable>[]): string {
  return threads
    .map(
      ({ article: own, children }) =>
        `${own?.id ?? "-"}${children.length === 0 ? "" : `(${drawn(children)})`}`,
    )
    .join(" ");
}

const tree = (...articles: Threadable[]) => drawn(threadsOf(articles));

describe("threads", () => {
  it("put answers below what they answer, whatever comes first", () => {
    expect(tree(article("a"), article("b", ["a"]), article("c", ["a", "b"]), article("d", ["a"]))).toBe(
      "a(b(c) d)",
    );
    expect(tree(article("c", ["a", "b"]), article("b", ["a"]), article("a"))).toBe("a(b(c))");
  });

  it("go on where an article is missing", () => {
    expect(tree(article("a"), article("c", ["a", "b"]))).toBe("a(c)");
    expect(tree(article("c", ["lost"]))).toBe("c");
    expect(tree(article("b", ["lost"]), article("c", ["lost"]))).toBe("-(b c)");
  });

  it("do not run in circles", () => {
    expect(tree(article("a", ["a"]))).toBe("a");
    expect(tree(article("a", ["b"]), article("b", ["a"]))).toBe("b(a)");
    expect(tree(article("a", ["b", "c"]), article("b", ["c", "a"]), article("c", ["a", "b"]))).toMatch(
      /^[abc()]+$/,
    );
  });

  it("believe an article about its parent more than what others say", () => {
    expect(tree(article("d", ["a", "b", "c"]), article("c", ["a"]), article("b", ["a"]), article("a"))).toBe(
      "a(c(d) b)",
    );
  });

  it("may hold two articles of one name", () => {
    expect(tree(article("a"), article("a"), article("b", ["a"]))).toBe("a(b) a");
  });

  it("are joined by subject where nothing is named", () => {
    const subjects = [
      article("a", [], "Tea"),
      article("b", [], "Re: tea"),
      article("c", [], "AW: Re: Tea"),
      article("d", [], "Tea"),
    ];
    expect(tree(...subjects)).toBe("a(b c) d");
    expect(tree(article("b", [], "Re: tea"), article("a", [], "Tea"))).toBe("a(b)");
    expect(tree(article("a", [], ""), article("b", [], ""))).toBe("a b");
    expect(baseSubject("Re[2]: AW:  Hello   there ")).toBe("hello there");
  });

  it("may be thousands deep", () => {
    const deep = Array.from({ length: 5000 }, (_, at) => article(`${at}`, at === 0 ? [] : [`${at - 1}`]));
    const depths = [...walk(threadsOf(deep))].map(({ depth }) => depth);
    expect(depths.length).toBe(5000);
    expect(depths.at(-1)).toBe(4999);
  });
});

describe("a .newsrc", () => {
  const TEXT = "options -n\nmisc.test: 1-7,9\nalt.test! 3\nempty.group:\n";

  it("knows what was read, and keeps what it does not understand", () => {
    const newsrc = new Newsrc(TEXT);
    expect(newsrc.subscribed).toEqual(["misc.test", "empty.group"]);
    expect([1, 7, 8, 9, 10].map((number) => newsrc.hasRead("misc.test", number))).toEqual([
      true,
      true,
      false,
      true,
      false,
    ]);
    expect(newsrc.hasRead("alt.test", 3)).toBe(true);
    expect(newsrc.hasRead("other.test", 3)).toBe(false);
    expect(newsrc.toString()).toBe(TEXT);
  });

  it("joins what touches", () => {
    const newsrc = new Newsrc("misc.test: 1-7,9");
    newsrc.markRead("misc.test", 8);
    newsrc.markRead("misc.test", 20, 30);
    newsrc.markRead("misc.test", 15, 25);
    newsrc.markRead("new.test", 5);
    expect(newsrc.toString()).toBe("misc.test: 1-9,15-30\nnew.test: 5\n");
  });

  it("may hold nonsense", () => {
    const newsrc = new Newsrc("misc.test: 9-3, 5,\n\nrubbish\nalt.test: x\n");
    expect(newsrc.hasRead("misc.test", 5)).toBe(true);
    expect(newsrc.toString()).toBe("misc.test: 5\n\nrubbish\nalt.test: x\n");
  });
});
