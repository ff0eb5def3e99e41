/** How many columns a text takes on a terminal, and how to cut and fill it. Text with controls is for safe.ts first. */
import { eastAsianWidth } from "get-east-asian-width";

/** What the terminal draws as one: a character with its marks, an emoji with its modifiers. */
interface Cluster {
  text: string;
  /** 0, 1 or 2 columns. */
  width: number;
}

/** Columns that the text takes: wide characters and emoji two, combining marks none. */
export function displayWidth(text: string): number {
  if (isPlain(text)) return text.length;
  let width = 0;
  for (const cluster of clusters(text)) width += cluster.width;
  return width;
}

/** The text, or as much of its start as fits into so many columns, with `…` for what was cut. */
export function truncate(text: string, columns: number): string {
  if (isPlain(text) && text.length <= columns) return text;
  if (columns <= 0) return "";
  let kept = "";
  let beforeEllipsis = "";
  let width = 0;
  for (const cluster of clusters(text)) {
    if (width + cluster.width > columns) return `${beforeEllipsis}…`;
    width += cluster.width;
    kept += cluster.text;
    if (width <= columns - 1) beforeEllipsis = kept;
  }
  return kept;
}

/** Filled with spaces to exactly so many columns, cut when longer. */
export function pad(text: string, columns: number, align: "left" | "right" = "left"): string {
  const fitted = truncate(text, columns);
  const space = " ".repeat(Math.max(0, columns - displayWidth(fitted)));
  return align === "left" ? fitted + space : space + fitted;
}

/** Cut into pieces of at most so many columns (a wide character may exceed a single column). */
export function chop(text: string, columns: number): string[] {
  const pieces: string[] = [];
  let piece = "";
  let width = 0;
  for (const cluster of clusters(text)) {
    if (piece !== "" && width + cluster.width > columns) {
      pieces.push(piece);
      [piece, width] = ["", 0];
    }
    piece += cluster.text;
    width += cluster.width;
  }
  if (piece !== "") pieces.push(piece);
  return pieces;
}

function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/** Without Intl.Segmenter, whose construction costs more than most commands: the rules that change widths, by hand. */
function* clusters(text: string): Generator<Cluster> {
  let current: Cluster | undefined;
  let joined = false;
  let halfFlag = false;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const isFlagLetter = code >= 0x1f1e6 && code <= 0x1f1ff;
    if (current !== undefined && (joined || extendsCluster(character, code) || (isFlagLetter && halfFlag))) {
      current.text += character;
      // U+FE0F asks for the emoji's picture, which is wide; so is a pair of flag letters.
      if ((code === 0xfe0f && current.width === 1) || (isFlagLetter && halfFlag)) current.width = 2;
      halfFlag = false;
    } else {
      if (current !== undefined) yield current;
      current = {
        text: character,
        width: extendsCluster(character, code) ? 0 : ownWidth(code, isFlagLetter),
      };
      halfFlag = isFlagLetter;
    }
    joined = code === 0x200d && current.width === 2;
  }
  if (current !== undefined) yield current;
}

function ownWidth(code: number, isFlagLetter: boolean): number {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 0;
  return isFlagLetter ? 1 : eastAsianWidth(code);
}

function extendsCluster(character: string, code: number): boolean {
  if (code < 0x300) return code === 0xad;
  // Medial and final jamo are drawn into the syllable before them; skin tones into the emoji before them.
  if ((code >= 0x1160 && code <= 0x11ff) || (code >= 0x1f3fb && code <= 0x1f3ff)) return true;
  return /[\p{Mn}\p{Me}\p{Cf}]/u.test(character);
}
