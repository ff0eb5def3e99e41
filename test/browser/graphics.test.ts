/** Pictures in pixels: what is sent to a terminal, where it lies, and that it goes away again. */
import { describe, expect, it } from "vitest";
import { Frame } from "../../src/browser/frame.js";
import { decodeGif } from "../../src/browser/gif.js";
import { type GraphicsKind, type Placement, pictureSequence } from "../../src/browser/graphics.js";
import { KeyReader, type Report } from "../../src/browser/keys.js";
import type { Picture } from "../../src/browser/picture.js";
import { decodePng } from "../../src/browser/png.js";
import { encodePng } from "../../src/browser/png-writer.js";
import { sixels } from "../../src/browser/sixel.js";
import { QUESTIONS, TerminalGraphics } from "../../src/cli/terminal-graphics.js";

const RED = [255, 0, 0];
const BLUE = [0, 0, 255];

function picture(width: number, height: number, colour = RED): Picture {
  return {
    width,
    height,
    rgb: Uint8Array.from({ length: width * height * 3 }, (_, at) => colour[at % 3] ?? 0),
  };
}

function placed(kind: GraphicsKind, more: Partial<Placement> = {}): Placement {
  const cell = { width: 10, height: 20 };
  const whole = { row: 2, column: 1, columns: 4, height: 6, from: 0, to: 6 };
  return { picture: picture(40, 120), kind, cell, ...whole, ...more };
}

describe("a picture of ours", () => {
  it("comes back from its PNG as it was", () => {
    const { rgb } = picture(2, 1);
    rgb.set(BLUE, 3);
    expect([...(decodePng(encodePng({ width: 2, height: 1, rgb }))?.rgba ?? [])]).toEqual([
      ...[255, 0, 0, 255],
      ...[0, 0, 255, 255],
    ]);
  });

  it("is sixels of few colours, each row of them in turn", () => {
    expect(sixels(picture(5, 7))).toBe('\x1bP0;1;0q"1;1;5;7#180;2;100;0;0#180!5~-#180!5@\x1b\\');
    const { rgb } = picture(2, 1);
    rgb.set(BLUE, 3);
    expect(sixels({ width: 2, height: 1, rgb })).toBe(
      '\x1bP0;1;0q"1;1;2;1#5;2;0;0;100#180;2;100;0;0#180@$#5?@\x1b\\',
    );
  });

  it("goes to kitty in pieces, with no answer wanted, and to iTerm2 in one", () => {
    // What does not compress needs several pieces.
    let seed = 1;
    const noise = Uint8Array.from({ length: 60 * 60 * 3 }, () => {
      seed = (seed * 48_271) % 0x7fffffff;
      return seed & 0xff;
    });
    const kitty = pictureSequence(placed("kitty", { picture: { width: 60, height: 60, rgb: noise } }));
    const parts = [...kitty.matchAll(/\x1b_G([^;]+);([A-Za-z0-9+/=]+)\x1b\\/g)];
    expect(parts.map(([all]) => all).join("")).toBe(kitty);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts[0]?.[1]).toBe("a=T,f=100,i=1,p=1,q=2,C=1,c=4,r=6,m=1");
    expect(parts.at(-1)?.[1]).toBe("q=2,m=0");
    for (const [, facts = "", octets = ""] of parts) {
      expect(facts).toContain("q=2");
      expect(octets.length).toBeLessThanOrEqual(4096);
    }
    const iterm = pictureSequence(placed("iterm"));
    const [, size, encoded] =
      /^\x1b\]1337;File=inline=1;size=(\d+);width=4;height=6;preserveAspectRatio=0;doNotMoveCursor=1:([A-Za-z0-9+/=]+)\x07$/.exec(
        iterm,
      ) ?? [];
    const octets = Buffer.from(encoded ?? "", "base64");
    expect(octets.length).toBe(Number(size));
    expect(decodePng(octets)).toMatchObject({ width: 40, height: 120 });
  });

  it("is cut to the rows that are seen", () => {
    const sequence = pictureSequence(placed("iterm", { from: 1, to: 3 }));
    expect(decodePng(Buffer.from(sequence.split(":")[1] ?? "", "base64"))).toMatchObject({
      width: 40,
      height: 40,
    });
    // Six rows of 20 pixels, and never a band of sixels more.
    expect(pictureSequence(placed("sixel"))).toContain('"1;1;40;120#');
    expect(pictureSequence(placed("sixel", { from: 0, to: 1 }))).toContain('"1;1;40;18#');
  });
});

describe("a frame", () => {
  class Written {
    readonly columns = 20;
    readonly rows = 8;
    text = "";
    write(text: string): void {
      this.text += text;
    }
  }
  const ROWS = ["bar", "", "", "", "", "", "", "status"];

  it("draws a picture after the rows, not again while nothing changes, and again when a row of its own does", () => {
    const [frame, screen] = [new Frame(), new Written()];
    const placement = placed("sixel");
    frame.draw(screen, ROWS, undefined, placement);
    expect(screen.text).toMatch(/status\x1b\[0m\x1b\[2;1H\x1bP0;1;0q/);
    screen.text = "";
    frame.draw(screen, ROWS, undefined, { ...placement });
    expect(screen.text).toBe("");
    frame.draw(screen, [...ROWS.slice(0, 7), "other"], undefined, placement);
    expect(screen.text).not.toContain("\x1bP");
    frame.draw(screen, ["bar", "words", ...ROWS.slice(2)], undefined, placement);
    expect(screen.text).toContain("\x1bP");
  });

  it("takes it away: by kitty's word, and by writing its rows", () => {
    for (const kind of ["kitty", "iterm"] as const) {
      const [frame, screen] = [new Frame(), new Written()];
      frame.draw(screen, ROWS, undefined, placed(kind));
      screen.text = "";
      frame.draw(screen, ROWS);
      expect(screen.text.includes("\x1b_Ga=d")).toBe(kind === "kitty");
      for (const row of [2, 7]) expect(screen.text).toContain(`\x1b[${row};1H`);
      expect(screen.text).not.toContain("\x1b[8;1H");
    }
  });
});

describe("what a terminal can do", () => {
  const reports = (text: string): Report[] =>
    new KeyReader().feed(text).flatMap((input) => (input.kind === "report" ? [input] : []));

  it("is told by its environment, unless another program stands between", () => {
    const kind = (environment: NodeJS.ProcessEnv) => new TerminalGraphics("auto", environment).graphics?.kind;
    expect(kind({ TERM: "xterm-kitty" })).toBe("kitty");
    expect(kind({ TERM: "xterm-256color", TERM_PROGRAM: "iTerm.app" })).toBe("iterm");
    expect(kind({ TERM: "xterm-256color", TERM_PROGRAM: "WezTerm" })).toBe("iterm");
    expect(kind({ TERM: "tmux-256color", LC_TERMINAL: "iTerm2", TMUX: "/tmp/x" })).toBeUndefined();
    expect(kind({ TERM: "xterm-kitty", STY: "1.x" })).toBeUndefined();
    expect(kind({ TERM: "xterm-256color" })).toBeUndefined();
    expect(new TerminalGraphics("blocks", { TERM: "xterm-kitty" }).graphics).toBeUndefined();
  });

  it("is asked for once, and blocks are drawn until it answers", () => {
    const terminal = new TerminalGraphics("auto", { TERM: "xterm-256color" });
    expect(terminal.question()).toBe(QUESTIONS);
    expect(terminal.question()).toBe("");
    expect(terminal.graphics).toBeUndefined();
    const told = reports("\x1b[6;18;9t\x1b[?62;4;22c").map((report) => terminal.take(report));
    expect(told).toEqual([false, true]);
    expect(terminal.graphics).toEqual({ kind: "sixel", cell: { width: 9, height: 18 } });
  });

  it("is not believed unasked, nor without the size of a cell, nor with a mad one", () => {
    const unasked = new TerminalGraphics("auto", { TERM: "xterm" });
    for (const report of reports("\x1b[6;18;9t\x1b[?62;4c")) expect(unasked.take(report)).toBe(false);
    for (const size of ["", "\x1b[6;0;0t", "\x1b[6;99999;1t"]) {
      const terminal = new TerminalGraphics("auto", { TERM: "xterm" });
      terminal.question();
      for (const report of reports(`${size}\x1b[?62;4c`)) expect(terminal.take(report)).toBe(false);
      expect(terminal.graphics).toBeUndefined();
    }
  });
});

describe("a GIF", () => {
  /** Colours by their number, in codes that grow as a decoder's table does (GIF89a, appendix F). */
  function packed(indices: readonly number[], smallest: number): Buffer {
    const clear = 1 << smallest;
    const out: number[] = [];
    let [bits, count, size] = [0n, 0n, smallest + 1];
    const put = (code: number) => {
      bits |= BigInt(code) << count;
      count += BigInt(size);
    };
    let table = new Map<string, number>();
    put(clear);
    let held = "";
    for (const index of indices) {
      const longer = held === "" ? String(index) : `${held},${index}`;
      if (held === "" || table.has(longer)) {
        held = longer;
        continue;
      }
      put(table.get(held) ?? Number(held));
      table.set(longer, clear + 2 + table.size);
      // The decoder is one entry behind.
      if (table.size + clear + 2 > 1 << size && size < 12) size += 1;
      if (table.size + clear + 2 >= 4096) {
        put(clear);
        size = smallest + 1;
        table = new Map();
      }
      held = String(index);
    }
    put(table.get(held) ?? Number(held));
    put(clear + 1);
    for (let at = 0n; at < count; at += 8n) out.push(Number((bits >> at) & 0xffn));
    const blocks: Buffer[] = [Buffer.of(smallest)];
    for (let at = 0; at < out.length; at += 255) {
      const block = out.slice(at, at + 255);
      blocks.push(Buffer.of(block.length, ...block));
    }
    return Buffer.concat([...blocks, Buffer.of(0, 0x3b)]);
  }

  /** Four colours: red, blue, green, and one that is see-through. */
  function gif(width: number, height: number, indices: readonly number[], interlaced = false): Buffer {
    const size = Buffer.alloc(4);
    size.writeUInt16LE(width, 0);
    size.writeUInt16LE(height, 2);
    const table = Buffer.from([...RED, ...BLUE, 0, 255, 0, 9, 9, 9]);
    const control = Buffer.from([0x21, 0xf9, 4, 1, 0, 0, 3, 0]);
    const frame = Buffer.concat([Buffer.from([0x2c, 0, 0, 0, 0]), size, Buffer.of(interlaced ? 0x40 : 0)]);
    const head = Buffer.concat([Buffer.from("GIF89a"), size, Buffer.from([0x81, 0, 0])]);
    return Buffer.concat([head, table, control, frame, packed(indices, 2)]);
  }

  const colourOf = (octets: Buffer) => {
    const pixels = decodeGif(octets);
    const names = new Map([
      ["255,0,0,255", 0],
      ["0,0,255,255", 1],
      ["0,255,0,255", 2],
      ["0,0,0,0", 3],
    ]);
    return Array.from({ length: (pixels?.rgba.length ?? 0) / 4 }, (_, at) =>
      names.get(String(pixels?.rgba.slice(at * 4, at * 4 + 4))),
    );
  };

  it("is its pixels: repeated, many, see-through, in passes", () => {
    expect(colourOf(gif(4, 1, [0, 1, 2, 3]))).toEqual([0, 1, 2, 3]);
    expect(
      colourOf(
        gif(
          9,
          2,
          Array.from({ length: 18 }, () => 1),
        ),
      ),
    ).toEqual(Array.from({ length: 18 }, () => 1));
    const many = Array.from({ length: 200 * 200 }, (_, at) => ((at * at + (at >> 3)) % 7) & 3);
    expect(colourOf(gif(200, 200, many))).toEqual(many);
    // Lines 0, 8 of the first pass; then 4; 2, 6; 1, 3, 5, 7.
    const lines = colourOf(gif(1, 9, [0, 1, 2, 3, 0, 1, 1, 1, 1], true));
    expect(lines).toEqual([0, 1, 3, 1, 2, 1, 0, 1, 1]);
  });

  it("that is cut anywhere is none, or see-through from there on; one that claims too much is none", () => {
    const whole = gif(
      9,
      9,
      Array.from({ length: 81 }, (_, at) => at & 3),
    );
    for (let cut = 0; cut < whole.length; cut++) {
      const pixels = decodeGif(whole.subarray(0, cut));
      expect(pixels === undefined || pixels.rgba.length === 81 * 4).toBe(true);
    }
    for (let at = 25; at < whole.length; at++) {
      const bent = Buffer.from(whole);
      bent[at] = (bent[at] ?? 0) ^ 0xff;
      decodeGif(bent);
    }
    expect(decodeGif(gif(65_535, 65_535, [0]))).toBeUndefined();
  });
});
