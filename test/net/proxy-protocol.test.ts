import { describe, expect, it } from "vitest";
import { parseProxyHeader, proxyHeader } from "../../src/net/proxy/proxy-protocol.js";

const HERE = { address: "127.0.0.1", port: 25 };

describe("the PROXY header", () => {
  it.each([
    ["v1 192.0.2.1 4000", "PROXY TCP4 192.0.2.1 127.0.0.1 4000 25\r\n"],
    ["v1 2001:db8::1 4000 2001:db8::2 25", "PROXY TCP6 2001:db8::1 2001:db8::2 4000 25\r\n"],
    ["v1 unknown", "PROXY UNKNOWN\r\n"],
  ])("in text: %s", (text, octets) => {
    expect(proxyHeader(parseProxyHeader(text, HERE)).toString()).toBe(octets);
  });

  it.each([
    ["v2 192.0.2.1 4000", "21 11 000c c0000201 7f000001 0fa0 0019"],
    [
      "v2 2001:db8::1 4000 ::ffff:192.0.2.9 25",
      "21 21 0024 20010db8000000000000000000000001 00000000000000000000ffffc0000209 0fa0 0019",
    ],
    ["v2 local", "20 00 0000"],
  ])("in octets: %s", (text, hex) => {
    const signature = "0d0a0d0a000d0a515549540a";
    expect(proxyHeader(parseProxyHeader(text, HERE)).toString("hex")).toBe(
      signature + hex.replaceAll(" ", ""),
    );
  });

  it.each([
    "",
    "v3 1.2.3.4 1",
    "v1 1.2.3.4",
    "v1 host 25",
    "v1 1.2.3.4 70000",
    "v1 ::1 25",
    "v1 1.2.3.4 1 1.2.3.4 1 x",
  ])("cannot be %j", (text) => {
    expect(() => parseProxyHeader(text, HERE)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});
