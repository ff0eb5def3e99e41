/** The file in an article's body, whichever way it is encoded. */
import { type YencBegin, YencDecoder, type YencEnd } from "../../../src/wire/yenc.js";
import { AttachmentDecoder, type AttachmentEvent } from "./mime-attachment.js";
import { UuDecoder, type UuEvent } from "./uudecode.js";

export type FilePiece =
  | {
      readonly type: "begin";
      readonly name: string;
      /** Octets of the whole file, where that is said. */
      readonly size?: number;
      readonly coding: "yenc" | "uuencode" | "base64";
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
  readonly #attachment = new AttachmentDecoder();
  #within: "yenc" | "uuencode" | "base64" | undefined;
  #offset = 0;

  /** @param within the body goes on in the middle of a uuencoded file */
  constructor(within = false) {
    this.#uu = new UuDecoder(within);
    if (within) this.#within = "uuencode";
  }

  /** @throws PortholeError `protocol` */
  *write(chunk: Buffer): Generator<FilePiece, void, undefined> {
    // A body has one of them; what begins is what it is.
    if (this.#may("yenc")) yield* this.#fromYenc(this.#yenc.write(chunk));
    if (this.#may("uuencode")) yield* this.#fromText(this.#uu.write(chunk), "uuencode");
    if (this.#may("base64")) yield* this.#fromText(this.#attachment.write(chunk), "base64");
  }

  *end(): Generator<FilePiece, void, undefined> {
    if (this.#may("yenc")) yield* this.#fromYenc(this.#yenc.end());
    if (this.#may("uuencode")) yield* this.#fromText(this.#uu.end(), "uuencode");
    if (this.#may("base64")) yield* this.#fromText(this.#attachment.end(), "base64");
  }

  #may(coding: "yenc" | "uuencode" | "base64"): boolean {
    return this.#within === undefined || this.#within === coding;
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

  *#fromText(
    events: readonly (UuEvent | AttachmentEvent)[],
    coding: "uuencode" | "base64",
  ): Generator<FilePiece, void, undefined> {
    for (const event of events) {
      if (event.type === "begin") {
        this.#within = coding;
        yield { type: "begin", name: event.name, coding };
      } else if (event.type === "data") yield event;
      else yield { type: "end" };
    }
  }
}

function beginOf({ name, size, part }: YencBegin): FilePiece {
  return { type: "begin", name, size, coding: "yenc", ...(part === undefined ? {} : { part }) };
}
