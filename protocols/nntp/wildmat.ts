/** Wildmats (RFC 3977, 4): which group names, or which fields, a pattern means. */

/** True when the text matches; of the patterns that do, the last decides, and `!` before it says no. */
export function matchesWildmat(wildmat: string, text: string): boolean {
  for (const written of wildmat.split(",").reverse()) {
    const negated = written.startsWith("!");
    if (matchesPattern(negated ? written.slice(1) : written, text)) return !negated;
  }
  return false;
}

/** One pattern: `*` for any characters, `?` for one. In time that grows with the product of both lengths at most. */
export function matchesPattern(pattern: string, text: string): boolean {
  const wanted = Array.from(pattern);
  const given = Array.from(text);
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let place = 0; place < given.length; ) {
    if (at < wanted.length && wanted[at] === "*") {
      star = at++;
      resume = place;
    } else if (at < wanted.length && (wanted[at] === "?" || wanted[at] === given[place])) {
      at += 1;
      place += 1;
    } else if (star >= 0) {
      // The last star takes one character more.
      at = star + 1;
      place = ++resume;
    } else return false;
  }
  while (wanted[at] === "*") at++;
  return at === wanted.length;
}

/** As it is when it has a `*` or `?`; otherwise anything that contains it. */
export function containing(words: string): string {
  return /[*?]/.test(words) ? words : `*${words}*`;
}
