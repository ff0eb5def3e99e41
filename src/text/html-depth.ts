/** Keeps hostile nesting away from the HTML parser, whose work grows with the square of the depth. */

// Void elements of HTML (HTML Standard, 13.1.2): they hold nothing, so they do not nest.
const VOID = new Set(
  "area base br col embed hr img input link meta param source track wbr basefont frame isindex".split(" "),
);
const ENDS_PARAGRAPH = new Set(
  "p div ul ol dl table form pre blockquote section article aside header footer nav main hr h1 h2 h3 h4 h5 h6".split(
    " ",
  ),
);
/** Which open elements an opening tag ends (HTML Standard, 13.1.2.4). No more than the parser does, or depth would be missed. */
const ENDS: Readonly<Record<string, readonly string[]>> = {
  li: ["li"],
  dt: ["dt", "dd"],
  dd: ["dt", "dd"],
  tr: ["tr", "th", "td"],
  th: ["th"],
  td: ["thead", "th", "td"],
  option: ["option"],
};

/** What is drawn nowhere, with what it holds: drawings and scripts nest by other rules. */
const UNSEEN = /<!--[\s\S]*?(?:-->|$)|<(script|style|svg|math)\b[\s\S]*?(?:<\/\1\b[^>]*>?|$)/gi;

/**
 * The page with its scripts, styles, drawings and comments taken out, and at most `deepest` elements within each
 * other: deeper ones lose their tags, not their text. Takes time in proportion to its length.
 */
export function boundDepth(html: string, deepest: number): string {
  const open: string[] = [];
  return html
    .replace(UNSEEN, "")
    .replace(/<(\/?)([a-z][a-z0-9]{0,30})/gi, (tag, slash: string, written: string) => {
      const name = written.toLowerCase();
      if (slash === "/") {
        const at = open.lastIndexOf(name);
        if (at >= 0) open.length = at;
        return tag;
      }
      const ended = ENDS_PARAGRAPH.has(name) ? ["p"] : (ENDS[name] ?? []);
      while (ended.includes(open.at(-1) ?? "")) open.pop();
      if (VOID.has(name)) return tag;
      // A word-break opportunity holds nothing, whatever attributes follow.
      if (open.length >= deepest) return "<wbr";
      open.push(name);
      return tag;
    });
}
