/** The file in an article's body, whichever way it is encoded. */
import { type YencBegin, YencDecoder, type YencEnd } from "../../../src/wire/yenc.js";
import { UuDecoder } from "./uudecode.js";

export type FilePiece =
  | {
      readonly type: "begin";
      readonly name: string;
      /** Octets of the whole file, where that is said. */
      readonly size?: number;
      readonly coding: "yenc" | "uuencode";
      /** yEnc's own numbering. */
      readonly part?: number;
    }
  /** `offset` within the file; absent where it follows what came before. */
  | { readonly type: "data"; readonly octets: Buffer; readonly offset?: number }
  | { readonly type: "end"; readonly yenc?: YencEnd };

/** Bodies in by `write()`, pieces of files out. Text around them is passed over. */
export class FileDecoder {
  readonly #yenc = new YencDecoder();
  readonly #uu: UuDecoder;
  #within: "yenc" | "uuencode" | undefined;
  #offset = 0;

  /** @param within the body goes on in the middle of a uuencoded file */
  constructor(within = false) {
    this.#uu = new UuDecoder(within);
    if (within) this.#within = "uuencode";
  }

  /** @throws PortholeError `protocol` */
  *write(chunk: Buffer): Generator<FilePiece, void, undefined> {
    if (this.#within !== "uuencode") yield* this.#fromYenc(this.#yenc.write(chunk));
    // A body has one of them; what begins is what it is.
    if (this.#within !== "yenc") yield* this.#fromUu(this.#uu.write(chunk));
  }

  *end(): Generator<FilePiece, void, undefined> {
    if (this.#within !== "uuencode") yield* this.#fromYenc(this.#yenc.end());
    if (this.#within !== "yenc") yield* this.#fromUu(this.#uu.end());
  }

  *#fromYenc(events: ReturnType<YencDecoder["write"]>): Generator<FilePiece, void, undefined> {
    for (const event of events) {
      switch (event.type) {
        case "begin":
          this.#within = "yenc";
          this.#offset = 0;
          yield beginOf(event.begin);
          break;
        case "part":
          this.#offset = event.part.offset;
          break;
        case "data":
          yield { type: "data", octets: event.octets, offset: this.#offset };
          this.#offset += event.octets.length;
          break;
        case "end":
          yield { type: "end", yenc: event.end };
      }
    }
  }

  *#fromUu(events: ReturnType<UuDecoder["write"]>): Generator<FilePiece, void, undefined> {
    for (const event of events) {
      if (event.type === "begin") {
        this.#within = "uuencode";
        yield { type: "begin", name: event.name, coding: "uuencode" };
      } else if (event.type === "data") yield event;
      else yield { type: "end" };
    }
  }
}

function beginOf({ name, size, part }: YencBegin): FilePiece {
  return { type: "begin", name, size, coding: "yenc", ...(part === undefined ? {} : { part }) };
}
