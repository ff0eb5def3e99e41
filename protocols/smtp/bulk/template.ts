/**
 * A mail with places to be filled in: header fields, an empty line, and the text, with `{{name}}` wherever a row's value
 * goes. Values never begin a header or an address of their own: addresses are filled part by part, and what comes out is
 * checked by compose().
 */
import { PortholeError } from "../../../src/errors.js";
import type { HeaderField, Mail, Priority } from "../../../src/message/compose.js";
import type { Row } from "./rows.js";

const PLACE = /\{\{\s*([^{}]*?)\s*\}\}/g;
const FIELD = /^([!-9;-~]+)[ \t]*:(.*)$/s;
/** Fields that list mailboxes. */
const MAILBOXES = ["from", "to", "cc", "bcc", "reply-to"] as const;
const RECIPIENT_FIELDS = ["to", "email", "address", "recipient"];

export class Template {
  readonly #fields: readonly HeaderField[];
  readonly #body: string;
  readonly #html: boolean;
  /** The row's fields that it asks for. */
  readonly places: ReadonlySet<string>;

  private constructor(fields: readonly HeaderField[], body: string) {
    this.#fields = fields;
    this.#body = body;
    const type = this.#text("content-type") ?? "text/plain";
    this.#html = /^text\/html\b/i.test(type);
    if (!this.#html && !/^text\/plain\b/i.test(type)) {
      throw new PortholeError("usage", `a template is text/plain or text/html, not ${type}`);
    }
    const whole = [...fields.map(({ value }) => value), body].join("\n");
    this.places = new Set([...whole.matchAll(PLACE)].map(([, name = ""]) => name));
    if (this.#text("from") === undefined) {
      throw new PortholeError("usage", "the template names no sender", {
        hint: "its first lines are fields: From, To, Subject; then an empty line and the text",
      });
    }
  }

  /** @throws PortholeError `usage` for what has no header, or is no template */
  static parse(text: string): Template {
    const plain = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
    const end = plain.indexOf("\n\n");
    const [head, body] = end < 0 ? [plain.trimEnd(), ""] : [plain.slice(0, end), plain.slice(end + 2)];
    const fields: HeaderField[] = [];
    for (const line of head.split("\n")) {
      const last = fields.at(-1);
      const [, name, value = ""] = FIELD.exec(line) ?? [];
      if (/^[ \t]/.test(line) && last !== undefined) {
        fields[fields.length - 1] = { name: last.name, value: `${last.value} ${line.trim()}` };
      } else if (name === undefined) {
        throw new PortholeError("usage", `the template's line '${line.slice(0, 60)}' is no header`, {
          hint: "its first lines are fields: From, To, Subject; then an empty line and the text",
        });
      } else fields.push({ name, value: value.trim() });
    }
    return new Template(fields, body);
  }

  /** The mail for a row, as compose() takes it. @throws PortholeError `usage` for a field that the row has not */
  fill(row: Row): Mail {
    const [from = [], to = [], cc = [], bcc = [], replyTo = []] = MAILBOXES.map((name) =>
      this.#mailboxes(name, row),
    );
    const [sender] = from;
    const subject = this.#text("subject");
    const priority = priorityOf(this.#text("priority"));
    const body = filled(this.#body, row, this.#html ? escaped : plain);
    return {
      from: sender ?? "",
      to: to.length > 0 ? to : [addressOf(row)],
      cc,
      bcc,
      replyTo,
      ...(subject === undefined ? {} : { subject: filled(subject, row, plain) }),
      ...(priority === undefined ? {} : { priority }),
      ...(this.#html ? { html: body } : { text: body }),
      headers: this.#fields
        .filter(({ name }) => !SPOKEN_FOR.has(name.toLowerCase()))
        .map(({ name, value }) => ({ name, value: filled(value, row, plain) })),
    };
  }

  #text(name: string): string | undefined {
    return this.#fields.find((field) => field.name.toLowerCase() === name)?.value;
  }

  /** Mailboxes are told apart before anything is filled in: a value with a comma makes no second one. */
  #mailboxes(name: string, row: Row): string[] {
    return this.#fields
      .filter((field) => field.name.toLowerCase() === name)
      .flatMap(({ value }) => value.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? [])
      .map((written) => mailbox(written.trim(), row))
      .filter((one) => one !== "");
  }
}

const SPOKEN_FOR: ReadonlySet<string> = new Set([
  ...MAILBOXES,
  "subject",
  "priority",
  "content-type",
  "mime-version",
  "content-transfer-encoding",
]);

function mailbox(written: string, row: Row): string {
  const [, name, address] = /^(.*?)<([^<>]*)>$/s.exec(written) ?? [];
  if (name === undefined || address === undefined) return filled(written, row, plain).trim();
  const words = filled(name.trim().replace(/^"(.*)"$/s, "$1"), row, plain).trim();
  const inner = filled(address, row, plain).trim();
  return words === "" ? inner : `"${words.replace(/["\\]/g, "\\$&")}" <${inner}>`;
}

function addressOf({ line, fields }: Row): string {
  for (const name of RECIPIENT_FIELDS) {
    const address = fields.get(name);
    if (address !== undefined) return address;
  }
  throw new PortholeError("usage", `line ${line}: whom is it for?`, {
    hint: "give the template a To field, or the list a column `email`",
  });
}

/** A text of a template, taken apart once: words, the name of a place, words, and so on. */
const APART = new Map<string, readonly string[]>();
const MOST_APART = 1000;

function apart(text: string): readonly string[] {
  const known = APART.get(text);
  if (known !== undefined) return known;
  const parts = text.split(PLACE);
  if (APART.size >= MOST_APART) APART.clear();
  APART.set(text, parts);
  return parts;
}

function filled(text: string, { line, fields }: Row, as: (value: string) => string): string {
  const [first = "", ...parts] = apart(text);
  let whole = first;
  for (let at = 0; at < parts.length; at += 2) {
    const name = parts[at] ?? "";
    const value = fields.get(name);
    if (value === undefined) {
      throw new PortholeError("usage", `line ${line}: there is no field ${name}`, {
        hint: "the template asks for it",
      });
    }
    whole += as(value) + (parts[at + 1] ?? "");
  }
  return whole;
}

function plain(value: string): string {
  return value;
}

function escaped(value: string): string {
  return value.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

function priorityOf(text: string | undefined): Priority | undefined {
  return text === "high" || text === "low" || text === "normal" ? text : undefined;
}
