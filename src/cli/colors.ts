/** Colours on a terminal, and when to use them. */

export type ColorMode = "auto" | "always" | "never";
/** An option's value as a mode; undefined for what is none. */
export function colorMode(value: unknown): ColorMode | undefined {
  return value === "auto" || value === "always" || value === "never" ? value : undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The flag decides; without it NO_COLOR, then FORCE_COLOR, then whether a terminal that can is at the other end. */
export function wantsColor(mode: ColorMode, environment: Environment, isTerminal: boolean): boolean {
  if (mode !== "auto") return mode === "always";
  if ((environment["NO_COLOR"] ?? "") !== "") return false;
  const forced = environment["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return isTerminal && environment["TERM"] !== "dumb";
}

const SGR = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const satisfies Record<string, readonly [number, number]>;

export type Color = keyof typeof SGR;
export type Paint = (color: Color, text: string) => string;

/** Puts text into a colour, or leaves it as it is. */
export function painter(enabled: boolean): Paint {
  if (!enabled) return (_color, text) => text;
  return (color, text) => (text === "" ? "" : `\x1b[${SGR[color][0]}m${text}\x1b[${SGR[color][1]}m`);
}
