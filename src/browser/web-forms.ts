/** Forms of a web page, as far as a line at a time fills them in: read from its source, nothing executed. */

export interface WebForm {
  readonly name: string;
  /** An absolute URL. */
  readonly action: string;
  /** Lower case: `get`, `post`. */
  readonly method: string;
  readonly fields: readonly WebField[];
}

export interface WebField {
  readonly name: string;
  readonly value: string;
  readonly choices: readonly string[];
  /** Sent as it is, and not asked for. */
  readonly hidden: boolean;
  /** A password. */
  readonly secret: boolean;
}

const MOST_FORMS = 50;
const MOST_FIELDS = 200;
/** Characters of HTML that are looked at. */
const LONGEST = 1024 * 1024;
const NOT_ASKED = /^(?:submit|button|reset|image|file)$/;

/** @param base where the page came from */
export function formsOf(html: string, base: string): WebForm[] {
  const forms: WebForm[] = [];
  const parts = html
    .slice(0, LONGEST)
    .split(/<form\b/i)
    .slice(1, MOST_FORMS + 1);
  for (const part of parts) {
    const end = part.search(/<\/form\s*>/i);
    const inner = end < 0 ? part : part.slice(0, end);
    const close = inner.indexOf(">");
    const facts = attributesOf(inner.slice(0, close < 0 ? inner.length : close));
    const action = absolute(facts.get("action") ?? "", base);
    if (action === undefined) continue;
    forms.push({
      name: facts.get("name") || facts.get("id") || new URL(action).pathname,
      action,
      method: (facts.get("method") ?? "get").toLowerCase(),
      fields: fieldsOf(inner.slice(close + 1)),
    });
  }
  return forms;
}

function fieldsOf(html: string): WebField[] {
  const fields: WebField[] = [];
  for (const match of html.matchAll(/<(input|select|textarea)\b([^>]{0,4000})>/gi)) {
    if (fields.length >= MOST_FIELDS) break;
    const facts = attributesOf(match[2] ?? "");
    const name = facts.get("name") ?? "";
    const type = (facts.get("type") ?? "text").toLowerCase();
    const isBox = type === "checkbox" || type === "radio";
    if (name === "" || NOT_ASKED.test(type) || (isBox && !facts.has("checked"))) continue;
    const choices =
      match[1]?.toLowerCase() === "select" ? choicesAfter(html, match.index + match[0].length) : [];
    fields.push({
      name,
      value: facts.get("value") ?? choices[0] ?? (isBox ? "on" : ""),
      choices,
      hidden: type === "hidden",
      secret: type === "password",
    });
  }
  return fields;
}

function choicesAfter(html: string, from: number): string[] {
  const rest = html.slice(from, from + 20_000);
  const end = rest.search(/<\/select\s*>/i);
  const options = (end < 0 ? rest : rest.slice(0, end)).matchAll(/<option\b([^>]{0,1000})>([^<]{0,300})/gi);
  return Array.from(
    options,
    ([, facts = "", words = ""]) => attributesOf(facts).get("value") ?? words.trim(),
  );
}

function attributesOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = "", quoted, single, bare] of text.matchAll(
    /([a-zA-Z][\w-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g,
  ))
    found.set(name.toLowerCase(), unescaped(quoted ?? single ?? bare ?? ""));
  return found;
}

function unescaped(text: string): string {
  return text
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");
}

function absolute(action: string, base: string): string | undefined {
  try {
    return new URL(action, base).href;
  } catch {
    return undefined;
  }
}
