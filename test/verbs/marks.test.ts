import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/plugin.js";
import { markOf } from "../../src/verbs/marks.js";

const entry = (meta: Entry["meta"]): Entry => ({ url: "http://x/a", name: "a", kind: "file", size: 1, meta });

describe("the mark of a state", () => {
  it("is the same for a weak ETag and the strong one that it becomes, and for HEAD and PROPFIND", () => {
    const strong = markOf(entry({ etag: '"v1"' }));
    expect(markOf(entry({ etag: 'W/"v1"' }))).toBe(strong);
    expect(markOf(entry({ headers: { etag: 'W/"v1"' } }))).toBe(strong);
    expect(markOf(entry({ etag: 'W/"v2"' }))).not.toBe(strong);
  });
});
