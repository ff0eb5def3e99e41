import { describe, expect, it } from "vitest";
import { TlsRecords } from "../../src/net/tls-records.js";

function record(type: number, length: number): Buffer {
  return Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 255]), Buffer.alloc(length, "2")]);
}

describe("TLS records", () => {
  const endings: [string, Buffer][] = [
    ["an alert", record(21, 26)],
    ["an alert that looks like data (TLS 1.3)", record(23, 19)],
  ];
  it.each(endings)("end with %s, wherever they are cut", (_name, alert) => {
    const own = Buffer.concat([record(22, 300), record(23, 40), alert]);
    const octets = Buffer.concat([own, Buffer.from("421 too many\r\n")]);
    for (let cut = 0; cut <= octets.length; cut++) {
      const records = new TlsRecords();
      const first = records.take(octets.subarray(0, cut));
      expect(first).toBe(Math.min(cut, own.length));
      if (cut < own.length) expect(records.take(octets.subarray(cut))).toBe(own.length - cut);
    }
  });

  it("have to be ended: words in clear among them are TLS's to refuse", () => {
    const octets = Buffer.concat([record(23, 40), Buffer.from("500 OOPS\r\n")]);
    expect(new TlsRecords().take(octets)).toBe(octets.length);
  });
});
