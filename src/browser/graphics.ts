/** Pictures on terminals that show pixels: the sequences are made here, of our own pixels in base64 or as sixels. */
import { type Cell, cropped, type Picture, scaled } from "./picture.js";
import { encodePng } from "./png-writer.js";
import { sixels } from "./sixel.js";

export const GRAPHICS_KINDS = ["kitty", "iterm", "sixel"] as const;
export type GraphicsKind = (typeof GRAPHICS_KINDS)[number];

/** What a terminal can do. */
export interface Graphics {
  readonly kind: GraphicsKind;
  readonly cell: Cell;
}

/** A cell when nobody told: pictures are then as large as on most screens. */
export const USUAL_CELL: Cell = { width: 10, height: 20 };

/** A part of a picture at a place of the screen. */
export interface Placement {
  readonly picture: Picture;
  readonly kind: GraphicsKind;
  readonly cell: Cell;
  /** On the screen, from 1. */
  readonly row: number;
  readonly column: number;
  readonly columns: number;
  /** Rows of all of the picture, and which of them are seen. */
  readonly height: number;
  readonly from: number;
  readonly to: number;
}

/** Octets of base64 in one of kitty's sequences. */
const CHUNK = 4096;
/** The one picture that is on the screen, as kitty numbers them. */
const NUMBER = 1;

export function isSamePlacement(one: Placement | undefined, other: Placement | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.picture === other.picture &&
    one.kind === other.kind &&
    one.row === other.row &&
    one.column === other.column &&
    one.columns === other.columns &&
    one.height === other.height &&
    one.from === other.from &&
    one.to === other.to
  );
}

/** Draws it where the cursor is. No answer is asked for. */
export function pictureSequence(placement: Placement): string {
  const { picture, kind, cell, columns, height, from, to } = placement;
  const rowOf = (row: number) => Math.round((row * picture.height) / height);
  const seen = cropped(picture, rowOf(from), rowOf(to));
  const rows = to - from;
  if (kind === "sixel") {
    // Whole bands of six within its own rows: a terminal moves the screen up for what reaches beyond.
    const down = Math.max(6, Math.floor((rows * cell.height) / 6) * 6);
    return sixels(scaled(seen, Math.max(1, Math.floor(columns * cell.width)), down));
  }
  const encoded = encodePng(seen).toString("base64");
  return kind === "kitty" ? kittySequence(encoded, columns, rows) : itermSequence(encoded, columns, rows);
}

/** What takes it away again where text written over it does not. */
export function removalSequence(kind: GraphicsKind): string {
  return kind === "kitty" ? `\x1b_Ga=d,d=I,i=${NUMBER},q=2\x1b\\` : "";
}

/** Kitty's graphics protocol: a PNG (f=100), the cursor stays (C=1), and the terminal says nothing (q=2). */
function kittySequence(encoded: string, columns: number, rows: number): string {
  const parts = encoded.match(new RegExp(`.{1,${CHUNK}}`, "g")) ?? [];
  return parts
    .map((part, at) => {
      const more = at < parts.length - 1 ? 1 : 0;
      const head =
        at === 0 ? `a=T,f=100,i=${NUMBER},p=1,q=2,C=1,c=${columns},r=${rows},m=${more}` : `q=2,m=${more}`;
      return `\x1b_G${head};${part}\x1b\\`;
    })
    .join("");
}

/** iTerm2's inline images. */
function itermSequence(encoded: string, columns: number, rows: number): string {
  const size = Buffer.byteLength(encoded, "base64");
  const facts = `inline=1;size=${size};width=${columns};height=${rows};preserveAspectRatio=0;doNotMoveCursor=1`;
  return `\x1b]1337;File=${facts}:${encoded}\x07`;
}
