/** JSON laid out for people, token by token: what stands in it is not read as numbers, which would round the long ones. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const INDENT = "  ";

/** As JSON.stringify lays it out with an indent of two, but each number as it was written, and names in their order; undefined when it is no JSON. */
export function laidOutJson(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const pieces: string[] = [];
  let depth = 0;
  let last = "";
  for (const [token] of text.matchAll(TOKEN)) {
    const closes = token === "}" || token === "]";
    if (closes) depth -= 1;
    const isEmpty = closes && (last === "{" || last === "[");
    if (last === "," || ((last === "{" || last === "[") && !isEmpty) || (closes && !isEmpty)) {
      pieces.push("\n", INDENT.repeat(depth));
    }
    pieces.push(token.startsWith('"') ? readable(token) : token === ":" ? ": " : token);
    if (token === "{" || token === "[") depth += 1;
    last = token;
  }
  return pieces.join("");
}

/** Letters that were written as escapes, as letters. */
function readable(token: string): string {
  return JSON.stringify(JSON.parse(token));
}
