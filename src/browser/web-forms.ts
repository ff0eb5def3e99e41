/** Forms of a web page, as far as a line at a time fills them in: read from its source, nothing executed. */

export interface WebForm {
  readonly name: string;
  /** An absolute URL. */
  readonly action: string;
  /** Lower case: `get`, `post`. */
  readonly method: string;
  /** How a POST is written (HTML, 4.10.21.8), lower case. */
  readonly encoding: string;
  readonly fields: readonly WebField[];
}

export interface WebField {
  readonly name: string;
  /** As a person knows it: its label, what stands in it, or its name. */
  readonly label: string;
  readonly value: string;
  readonly choices: readonly string[];
  /** Sent as it is, and not asked for. */
  readonly hidden: boolean;
  /** A password. */
  readonly secret: boolean;
  /** A box or a button: left empty, it is not sent at all. */
  readonly optional: boolean;
  /** It may have several lines. */
  readonly lines: boolean;
}

export const URL_ENCODED = "application/x-www-form-urlencoded";

const MOST_FORMS = 50;
const MOST_FIELDS = 200;
/** Characters of HTML that are looked at. */
const LONGEST = 1024 * 1024;
/** Characters of one field's text. */
const LONGEST_TEXT = 20_000;
const LONGEST_LABEL = 100;
const NOT_SENT = /^(?:button|reset|image|file)$/;

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
      encoding: (facts.get("enctype") ?? URL_ENCODED).toLowerCase(),
      fields: fieldsOf(inner.slice(close + 1)),
    });
  }
  return forms;
}

/** What is sent for the values that were typed, in the order of the form; its own value for a field that was not asked. */
export function valuesOf(form: WebForm, typed: ReadonlyMap<WebField, string>): URLSearchParams {
  const sent = new URLSearchParams();
  for (const field of form.fields) {
    const value = typed.get(field) ?? field.value;
    // HTML, 4.10.21.5: lines end by CR LF, as everywhere in forms.
    if (value !== "" || !field.optional) sent.append(field.name, value.replace(/\r?\n/g, "\r\n"));
  }
  return sent;
}

function fieldsOf(html: string): WebField[] {
  const fields: WebField[] = [];
  const labels = labelsOf(html);
  let hasSubmit = false;
  for (const match of html.matchAll(/<(input|select|textarea|button)\b([^>]{0,4000})>/gi)) {
    if (fields.length >= MOST_FIELDS) break;
    const element = (match[1] ?? "").toLowerCase();
    const facts = attributesOf(match[2] ?? "");
    const name = facts.get("name") ?? "";
    const type = typeOf(element, facts);
    const given = facts.get("value");
    if (facts.has("disabled") || NOT_SENT.test(type)) continue;
    if (type === "submit") {
      // As when Enter is pressed in a field: the first button is the one that sends it (HTML, 4.10.21.2).
      if (!hasSubmit && name !== "")
        fields.push(fieldNamed(name, name, { value: given ?? "", hidden: true }));
      hasSubmit = true;
      continue;
    }
    if (name === "") continue;
    const label =
      labels.get(facts.get("id") ?? "") ||
      facts.get("aria-label") ||
      facts.get("placeholder") ||
      facts.get("title") ||
      name;
    const after = match.index + match[0].length;
    if (type === "checkbox" || type === "radio") addBox(fields, name, label, type, facts);
    else if (element === "select") {
      const { choices, chosen } = choicesAfter(html, after);
      fields.push(fieldNamed(name, label, { value: chosen ?? choices[0] ?? "", choices }));
    } else {
      const value = element === "textarea" ? textAfter(html, after) : (given ?? "");
      const kind = {
        hidden: type === "hidden",
        secret: type === "password",
        lines: element === "textarea",
      };
      fields.push(fieldNamed(name, label, { value, ...kind }));
    }
  }
  return fields;
}

function typeOf(element: string, facts: ReadonlyMap<string, string>): string {
  if (element === "button") return (facts.get("type") ?? "submit").toLowerCase();
  return element === "input" ? (facts.get("type") ?? "text").toLowerCase() : element;
}

function fieldNamed(name: string, label: string, facts: Partial<WebField>): WebField {
  const shown = label.replace(/\s+/g, " ").trim().slice(0, LONGEST_LABEL);
  const usual = { value: "", choices: [], hidden: false, secret: false, optional: false, lines: false };
  return { ...usual, ...facts, name, label: shown || name };
}

/** A box is on by its value; radio buttons of one name are one field with a choice among them. */
function addBox(
  fields: WebField[],
  name: string,
  label: string,
  type: string,
  facts: ReadonlyMap<string, string>,
): void {
  const value = facts.get("value") ?? "on";
  const checked = facts.has("checked");
  const at = type === "radio" ? fields.findIndex((field) => field.name === name && field.optional) : -1;
  const group = fields[at];
  if (group === undefined) {
    // The label of one radio button is not the name of its group.
    const shown = type === "radio" ? name : label;
    fields.push(fieldNamed(name, shown, { value: checked ? value : "", choices: [value], optional: true }));
  } else {
    const choices = [...group.choices, value];
    fields[at] = { ...group, value: checked ? value : group.value, choices };
  }
}

/** The words of `<label for=ID>`, by the ID. */
function labelsOf(html: string): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [, facts = "", words = ""] of html.matchAll(
    /<label\b([^>]{0,1000})>([\s\S]{0,300}?)<\/label\s*>/gi,
  )) {
    const id = attributesOf(facts).get("for");
    const text = unescaped(words.replace(/<[^>]{0,300}>/g, " "))
      .replace(/\s+/g, " ")
      .replace(/\s*:\s*$/, "")
      .trim();
    if (id !== undefined && id !== "" && text !== "") labels.set(id, text);
  }
  return labels;
}

function choicesAfter(html: string, from: number): { choices: string[]; chosen: string | undefined } {
  const rest = html.slice(from, from + LONGEST_TEXT);
  const end = rest.search(/<\/select\s*>/i);
  const options = (end < 0 ? rest : rest.slice(0, end)).matchAll(/<option\b([^>]{0,1000})>([^<]{0,300})/gi);
  let chosen: string | undefined;
  const choices = Array.from(options, ([, written = "", words = ""]) => {
    const facts = attributesOf(written);
    const value = facts.get("value") ?? unescaped(words).trim();
    if (facts.has("selected")) chosen ??= value;
    return value;
  });
  return { choices, chosen };
}

/** What stands in a textarea. A line break right at its beginning is none of it (HTML, 13.1.2.6). */
function textAfter(html: string, from: number): string {
  const rest = html.slice(from, from + LONGEST_TEXT);
  const end = rest.search(/<\/textarea\s*>/i);
  return unescaped((end < 0 ? "" : rest.slice(0, end)).replace(/^\r?\n/, ""));
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
    .replace(/&#0*39;|&apos;/g, "'")
    .replace(/&nbsp;/g, " ")
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
