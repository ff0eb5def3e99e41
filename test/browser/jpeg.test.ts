/** JPEG: coded in one go and in refinements, with planes of several sizes, restarts, turned, damaged. */
import { describe, expect, it } from "vitest";
import { decodeJpeg } from "../../src/browser/jpeg.js";
import { decodePicture } from "../../src/browser/picture.js";
import { makeJpeg, type Plan, segment } from "./jpeg-maker.js";

/** A block of one value: the mean of its samples, from 128 on. */
const flat = (value: number) => [(value - 128) * 8, ...Array<number>(63).fill(0)];

/** A block with something in every frequency, the same for the same number. */
function busy(seed: number): number[] {
  let state = seed * 7919 + 1;
  return Array.from({ length: 64 }, (_, k) => {
    state = (state * 48_271) % 0x7fffffff;
    const value = (state % 41) - 20;
    // Many are zero, as in a picture.
    return k > 0 && state % 3 !== 0 ? 0 : value * (k === 0 ? 8 : 1);
  });
}

const GREY: Plan = { width: 8, height: 8, planes: [{ id: 1, across: 1, down: 1, blocks: [flat(200)] }] };

/** 37 by 21, its colours at half the width and height. */
const PHOTO: Plan = {
  width: 37,
  height: 21,
  planes: [
    { id: 1, across: 2, down: 2, blocks: Array.from({ length: 24 }, (_, at) => busy(at)) },
    { id: 2, across: 1, down: 1, blocks: Array.from({ length: 6 }, (_, at) => busy(at + 100)) },
    { id: 3, across: 1, down: 1, blocks: Array.from({ length: 6 }, (_, at) => busy(at + 200)) },
  ],
};

const pixelAt = (picture: { width: number; rgba: Uint8Array } | undefined, x: number, y: number) =>
  picture === undefined
    ? undefined
    : [...picture.rgba.subarray((y * picture.width + x) * 4, (y * picture.width + x) * 4 + 4)];

describe("a JPEG picture", () => {
  it("is its samples: a cosine for a coefficient", () => {
    expect(pixelAt(decodeJpeg(makeJpeg(GREY)), 3, 3)).toEqual([200, 200, 200, 255]);
    // One wave across: A.3.3 with u = 1.
    const wave = Array<number>(64).fill(0);
    wave[1] = 400;
    const picture = decodeJpeg(
      makeJpeg({ ...GREY, planes: [{ id: 1, across: 1, down: 1, blocks: [wave] }] }),
    );
    const expected = Array.from({ length: 8 }, (_, x) =>
      Math.round(128 + (400 / 8) * Math.SQRT2 * Math.cos(((2 * x + 1) * Math.PI) / 16)),
    );
    expect(Array.from({ length: 8 }, (_, x) => pixelAt(picture, x, 5)?.[0])).toEqual(expected);
  });

  it("has the colours that brightness and differences stand for", () => {
    const planes = [76, 85, 255].map((value, at) => ({
      id: at + 1,
      across: 1,
      down: 1,
      blocks: [flat(value)],
    }));
    const [red = 0, green = 0, blue = 0] = pixelAt(decodeJpeg(makeJpeg({ ...GREY, planes })), 0, 0) ?? [];
    expect(red).toBeGreaterThan(252);
    expect(green + blue).toBeLessThan(4);
    const named = planes.map((plane, at) => ({ ...plane, id: "RGB".charCodeAt(at) }));
    expect(pixelAt(decodeJpeg(makeJpeg({ ...GREY, planes: named })), 0, 0)).toEqual([76, 85, 255, 255]);
    // Adobe's four inks, turned round.
    const inks = [255, 128, 0, 128].map((value, at) => ({
      id: at + 1,
      across: 1,
      down: 1,
      blocks: [flat(value)],
    }));
    const before = [segment(0xee, Buffer.from("Adobe"), 0, 100, 0, 0, 0, 0, 0)];
    expect(pixelAt(decodeJpeg(makeJpeg({ ...GREY, planes: inks, before })), 0, 0)).toEqual([128, 64, 0, 255]);
  });

  it("is the same in refinements, with restarts and with long codes", () => {
    const whole = decodeJpeg(makeJpeg(PHOTO));
    expect(whole).toMatchObject({ width: 37, height: 21 });
    expect(new Set(whole?.rgba).size).toBeGreaterThan(50);
    for (const more of [{ progressive: true }, { restart: 2 }, { bits: 14 }, { progressive: true, bits: 16 }])
      expect(decodeJpeg(makeJpeg({ ...PHOTO, ...more })), JSON.stringify(more)).toEqual(whole);
  });

  it("is made smaller by halves when less is enough", () => {
    const whole = decodeJpeg(makeJpeg(PHOTO));
    const small = decodeJpeg(makeJpeg(PHOTO), (37 * 21) / 16);
    expect(small).toMatchObject({ width: 10, height: 6 });
    const mean = (rgba: Uint8Array = new Uint8Array()) =>
      rgba.reduce((sum, value) => sum + value, 0) / rgba.length;
    expect(Math.abs(mean(small?.rgba) - mean(whole?.rgba))).toBeLessThan(8);
  });

  it("stands upright as the camera was held", () => {
    const planes = [{ id: 1, across: 1, down: 1, blocks: [flat(10), flat(250)] }];
    const exif = (orientation: number) =>
      segment(
        0xe1,
        Buffer.from("Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01", "latin1"),
        Buffer.of(0, orientation, 0, 0),
      );
    const held = (orientation: number) =>
      decodeJpeg(makeJpeg({ width: 16, height: 8, planes, before: [exif(orientation)] }));
    expect([pixelAt(held(1), 0, 0)?.[0], held(1)?.width]).toEqual([10, 16]);
    expect([pixelAt(held(3), 0, 0)?.[0], held(3)?.width]).toEqual([250, 16]);
    // On its side: the left is up.
    expect([pixelAt(held(6), 0, 0)?.[0], held(6)?.width, held(6)?.height]).toEqual([10, 8, 16]);
    expect(pixelAt(held(8), 0, 0)?.[0]).toBe(250);
  });

  it("that is cut shows what came; that lies or is none is none", () => {
    const whole = makeJpeg(PHOTO);
    for (let cut = 0; cut < whole.length; cut += 7) {
      const picture = decodeJpeg(whole.subarray(0, cut));
      if (picture !== undefined) expect(picture).toMatchObject({ width: 37, height: 21 });
    }
    expect(decodeJpeg(whole.subarray(0, whole.length - 40))).toBeDefined();
    const lying = makeJpeg(GREY);
    lying.fill(0xff, lying.indexOf(Buffer.of(0xff, 0xc0)) + 5, lying.indexOf(Buffer.of(0xff, 0xc0)) + 9);
    expect(decodeJpeg(lying)).toBeUndefined();
    expect(decodeJpeg(Buffer.from("GIF89a"))).toBeUndefined();
    // Every octet garbled once: no picture, or one of the size that is told.
    for (let at = 2; at < whole.length; at += 3) {
      const garbled = Buffer.from(whole);
      garbled[at] = (garbled[at] ?? 0) ^ 0x5a;
      expect(() => decodeJpeg(garbled)).not.toThrow();
    }
  });

  it("is known by how it begins", async () => {
    expect(await decodePicture(makeJpeg(PHOTO))).toMatchObject({ width: 37, height: 21 });
    expect(await decodePicture(Buffer.from("no picture"))).toBeUndefined();
  });
});
