/** Colours: for dark screens, for light ones, and none at all (NO_COLOR). */
import type { LineStyle } from "./page.js";

export type ThemeName = "dark" | "light" | "plain";

export type Style = LineStyle | "link" | "selected" | "match" | "bar" | "tab" | "status" | "number";

const RESET = "\x1b[0m";

type Theme = Readonly<Record<Style, string>>;

/** Without colours what matters still differs: bold, underlined, reversed. */
const PLAIN: Theme = {
  text: "",
  heading: "1",
  field: "1",
  quote: "",
  signature: "2",
  attachment: "1",
  note: "",
  error: "1",
  link: "4",
  selected: "7",
  match: "7",
  bar: "7",
  tab: "1;7",
  status: "",
  number: "",
};
const DARK: Theme = {
  ...PLAIN,
  field: "1;36",
  quote: "32",
  signature: "2",
  attachment: "33",
  note: "37",
  error: "1;31",
  link: "94",
  selected: "1;30;106",
  match: "30;103",
  bar: "97;44",
  tab: "1;30;47",
  number: "90",
};
const LIGHT: Theme = {
  ...PLAIN,
  field: "1;34",
  quote: "32",
  signature: "2",
  attachment: "35",
  note: "90",
  error: "1;31",
  link: "34",
  selected: "1;97;44",
  match: "30;103",
  bar: "30;47",
  tab: "1;97;100",
  number: "90",
};

export const THEMES: Readonly<Record<ThemeName, Theme>> = { dark: DARK, light: LIGHT, plain: PLAIN };

/** The text in a style; the text itself is safe already. */
export function styled(theme: ThemeName, style: Style, text: string): string {
  const code = THEMES[theme][style];
  return code === "" || text === "" ? text : `\x1b[${code}m${text}${RESET}`;
}
