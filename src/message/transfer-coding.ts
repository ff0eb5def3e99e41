/** Content-Transfer-Encoding undone (RFC 2045, 6), piece by piece. What is wrong in it is passed over. */

export interface TransferDecoding {
  write(octets: Buffer): Buffer;
  end(): Buffer;
}

/** @param name of the encoding; unknown ones are taken as they are */
export function transferDecoding(name: string | undefined): TransferDecoding {
  switch (name?.trim().toLowerCase()) {
    case "base64":
      return new Base64();
    case "quoted-printable":
      return new QuotedPrintable();
    default:
      return { write: (octets) => octets, end: () => Buffer.alloc(0) };
  }
}

class Base64 implements TransferDecoding {
  /** Fewer than four characters. */
  #held = "";
  #ended = false;

  write(octets: Buffer): Buffer {
    if (this.#ended) return Buffer.alloc(0);
    let text = this.#held + octets.toString("latin1").replace(/[^A-Za-z0-9+/=]+/g, "");
    const padding = text.indexOf("=");
    if (padding >= 0) {
      // What follows the padding is another encoding's or nobody's.
      this.#ended = true;
      text = text.slice(0, padding);
    }
    const whole = this.#ended ? text.length : text.length - (text.length % 4);
    this.#held = text.slice(whole);
    return Buffer.from(text.slice(0, whole), "base64");
  }

  end(): Buffer {
    const rest = Buffer.from(this.#held, "base64");
    this.#held = "";
    return rest;
  }
}

const LF = 0x0a;
const EQUALS = 0x3d;
/** Octets of a line whose end is awaited; RFC 2045 allows 76. A longer one is decoded in pieces. */
const LONGEST_HELD = 64 * 1024;

class QuotedPrintable implements TransferDecoding {
  #held: Buffer = Buffer.alloc(0);

  write(octets: Buffer): Buffer {
    const all = this.#held.length === 0 ? octets : Buffer.concat([this.#held, octets]);
    // Blanks at a line's end are dropped, and an equals sign there joins lines: so lines are decoded whole.
    let cut = all.lastIndexOf(LF) + 1;
    if (all.length - cut > LONGEST_HELD) cut = all.length - 2;
    this.#held = Buffer.from(all.subarray(cut));
    return decodeQuoted(all.subarray(0, cut));
  }

  end(): Buffer {
    const rest = decodeQuoted(this.#held);
    this.#held = Buffer.alloc(0);
    return rest;
  }
}

function decodeQuoted(octets: Buffer): Buffer {
  if (!octets.includes(EQUALS) && !octets.includes(" \n") && !octets.includes(" \r")) return octets;
  const text = octets
    .toString("latin1")
    // Each run of blanks is looked at once.
    .replace(/[ \t]+(\r?\n)?/g, (blanks: string, end?: string) => end ?? blanks)
    .replace(/=(?:\r?\n|$)/g, "")
    .replace(/=([0-9A-F]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(text, "latin1");
}
