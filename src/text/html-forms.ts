/** Forms of a page in its text: which form it is, and what each field is called and holds. */
import type { FormatCallback } from "html-to-text";
import { safeLine } from "./safe.js";

type PageElement = Parameters<FormatCallback>[0];

/** Choices of a list, and characters of a value, that are shown. */
const MOST_CHOICES = 8;
const LONGEST_VALUE = 60;
const EMPTY = "____";

/** What a form is called: by what people are told, then by what programs call it. */
export const namedForm: FormatCallback = (element, walk, builder) => {
  const names = ["aria-label", "name", "id", "title", "action"].map((key) => attribute(element, key));
  const method = attribute(element, "method").toUpperCase() || "GET";
  builder.openBlock({ leadingLineBreaks: 2 });
  builder.addInline(`[form ${[firstOf(names), method].filter((word) => word !== "").join(" ")}]`);
  builder.addLineBreak();
  walk(element.children, builder);
  builder.closeBlock({ trailingLineBreaks: 2 });
};

export const field: FormatCallback = (element, _walk, builder) => {
  const type = attribute(element, "type").toLowerCase();
  if (type === "hidden") return;
  const value = attribute(element, "value");
  const words = /^(?:submit|reset|image|button)$/.test(type)
    ? button(firstOf([value, attribute(element, "alt"), type === "reset" ? "reset" : "submit"]))
    : type === "checkbox"
      ? labelled(element, isSet(element, "checked") ? "yes" : "no")
      : type === "radio"
        ? labelled(element, `${value || "on"}${isSet(element, "checked") ? ", chosen" : ""}`)
        : // What a password field holds is not for showing.
          labelled(element, type === "password" ? "" : value);
  builder.addInline(` ${words} `, { noWordTransform: true });
};

export const textField: FormatCallback = (element, _walk, builder) => {
  builder.addInline(` ${labelled(element, textIn(element))} `, { noWordTransform: true });
};

export const choiceField: FormatCallback = (element, _walk, builder) => {
  const options = optionsIn(element);
  const chosen = options.find((option) => isSet(option, "selected")) ?? options[0];
  const others = options.filter((option) => option !== chosen).map(textIn);
  const shown = others.slice(0, MOST_CHOICES).join(", ");
  const more = others.length > MOST_CHOICES ? ", …" : "";
  const value = chosen === undefined ? "" : textIn(chosen);
  builder.addInline(` ${labelled(element, others.length === 0 ? value : `${value}; or ${shown}${more}`)} `, {
    noWordTransform: true,
  });
};

export const buttonField: FormatCallback = (element, _walk, builder) => {
  const words = firstOf([textIn(element), attribute(element, "aria-label"), attribute(element, "value")]);
  builder.addInline(` ${button(words === "" ? "submit" : words)} `, { noWordTransform: true });
};

/** A label stands apart from its field, and from the field before it. */
export const label: FormatCallback = (element, walk, builder) => {
  builder.addInline(" ");
  walk(element.children, builder);
  builder.addInline(" ");
};

function labelled(element: PageElement, value: string): string {
  const names = ["name", "aria-label", "placeholder", "id"].map((key) => attribute(element, key));
  const line = safeLine(value.replace(/\s+/g, " ").trim());
  const shown = line.length > LONGEST_VALUE ? `${line.slice(0, LONGEST_VALUE)}…` : line;
  return `[${firstOf([...names, "field"])}: ${shown || EMPTY}]`;
}

function button(words: string): string {
  return `<${words}>`;
}

function firstOf(words: readonly string[]): string {
  return words.find((word) => word.trim() !== "") ?? "";
}

function optionsIn(element: PageElement): PageElement[] {
  const found: PageElement[] = [];
  for (const child of element.children ?? []) {
    if (child.name === "option") found.push(child);
    else if (child.name === "optgroup") found.push(...optionsIn(child));
  }
  return found;
}

function textIn(element: PageElement): string {
  const pieces = (element.children ?? []).map((child) => {
    const data: unknown = child.data;
    return child.type === "text" && typeof data === "string" ? data : textIn(child);
  });
  return pieces.join("").replace(/\s+/g, " ").trim();
}

function isSet(element: PageElement, name: string): boolean {
  return Object.hasOwn(attributesOf(element), name);
}

export function attribute(element: PageElement, name: string): string {
  const value = Object.entries(attributesOf(element)).find(([key]) => key === name)?.[1];
  return typeof value === "string" ? value : "";
}

function attributesOf(element: PageElement): Readonly<Record<string, unknown>> {
  const attributes: unknown = element.attribs;
  return typeof attributes === "object" && attributes !== null ? { ...attributes } : {};
}
