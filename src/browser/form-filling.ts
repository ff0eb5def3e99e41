/** Forms filled in question by question at the bottom of the screen: a Gopher server's, and those of web pages. */
import type { FormQuestion, Source } from "../plugin.js";
import { safeLine } from "../text/safe.js";
import type { Asking } from "./asking.js";
import type { Page } from "./page.js";
import { formsOf, URL_ENCODED, valuesOf, type WebField, type WebForm } from "./web-forms.js";

/** @returns undefined when the person gave it up */
export async function answersTo(
  asking: Asking,
  questions: readonly FormQuestion[],
): Promise<readonly string[] | undefined> {
  const answers: string[] = [];
  for (const { question, proposed, choices, hidden, note, lines } of questions) {
    const among = choices.length === 0 ? "" : ` (${choices.join(", ")})`;
    // After the question: of a long line the end is not seen.
    const told = note === undefined ? "" : ` [${note}]`;
    const label = `${question}${among}${told}: `;
    const answer =
      lines === true
        ? await asking.lines(label, proposed)
        : await asking.line(label, {
            text: proposed,
            hidden,
            complete: (typed) => choices.filter((choice) => choice.startsWith(typed)),
          });
    if (answer === undefined) return undefined;
    answers.push(answer);
  }
  return answers;
}

/** A form that was filled in: where it goes, and what with. */
export interface FilledForm {
  readonly name: string;
  /** With its query, for a form that is sent by GET. */
  readonly url: string;
  /** What a POST carries; absent for GET. */
  readonly posted?: string;
}

/** Asks which form of the page, and for its fields. @returns undefined when there is nothing to go to */
export async function filledWebForm(
  page: Page | undefined,
  asking: Asking,
  tell: (words: string) => void,
): Promise<FilledForm | undefined> {
  const forms = page?.type === "text/html" ? formsOf(page.source?.toString("utf8") ?? "", page.url) : [];
  if (forms.length === 0) {
    tell("there is no form on this page");
    return undefined;
  }
  const form = await chosen(forms, asking);
  if (form === undefined) return undefined;
  const refusal = refusalOf(form);
  if (refusal !== undefined) {
    tell(refusal);
    return undefined;
  }
  const open = form.fields.filter(({ hidden }) => !hidden);
  const answers = await answersTo(asking, open.map(questionOf));
  if (answers === undefined) return undefined;
  const values = valuesOf(form, new Map(open.map((field, at) => [field, answers[at] ?? ""])));
  const url = new URL(form.action);
  url.hash = "";
  if (form.method === "get") {
    url.search = values.toString();
    return { name: form.name, url: url.href };
  }
  return { name: form.name, url: url.href, posted: values.toString() };
}

/** What is asked before a form is sent that may change something there. Names alone: a value may be a secret. */
export function beforePosting({ url, posted = "" }: FilledForm): string {
  const names = [...new Set(new URLSearchParams(posted).keys())].join(", ");
  const clear = url.startsWith("http:") ? ", in clear" : "";
  return `Send ${names === "" ? "nothing" : safeLine(names)} to ${safeLine(url)} by POST${clear}?`;
}

/** The octets of a POST. */
export function sourceOf(posted: string): Source {
  const octets = Buffer.from(posted, "latin1");
  return {
    type: URL_ENCODED,
    size: octets.length,
    body: (async function* () {
      yield octets;
    })(),
  };
}

async function chosen(forms: readonly WebForm[], asking: Asking): Promise<WebForm | undefined> {
  if (forms.length === 1) return forms[0];
  const names = forms.map(({ name }, at) => `${at + 1} ${name}`).join(", ");
  return forms[Number(await asking.line(`Which form (${safeLine(names)})? `)) - 1];
}

function refusalOf({ method, encoding, action, fields }: WebForm): string | undefined {
  const way = `porthole http post ${safeLine(action)} NAME=VALUE...`;
  if (method !== "get" && method !== "post") return `this form is sent by ${safeLine(method)}: ${way}`;
  if (method === "post" && encoding !== URL_ENCODED)
    return `this form is sent as ${safeLine(encoding)}: ${way}`;
  // It would stand in the address line, in the history and in the server's log.
  if (method === "get" && fields.some(({ secret }) => secret)) {
    return "this form would put a password into its address, for all to read: it is not sent";
  }
  return undefined;
}

function questionOf({ name, label, value, choices, secret, lines }: WebField): FormQuestion {
  const question = label === name ? name : `${label} [${name}]`;
  return { question, proposed: value, choices, hidden: secret, lines };
}
