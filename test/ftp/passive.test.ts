import { describe, expect, it } from "vitest";
import { extendedPort, passiveAddress } from "../../protocols/ftp/passive.js";

const said = (message: string) => ({ code: Number(message.slice(0, 3)), message });

describe("EPSV", () => {
  it.each([
    ["229 Entering Extended Passive Mode (|||6446|)", 6446],
    ["229 ok (!!!65535!)", 65535],
    ["229 (1) there (|||21|).", 21],
  ])("%s", (message, port) => {
    expect(extendedPort(said(message))).toBe(port);
  });

  it.each([
    "229 ok",
    "229 (|||0|)",
    "229 (|||65536|)",
    "229 (||6446|)",
    "229 (|||64 46|)",
    "229 (|1|::1|6446|)",
  ])("refuses %s", (message) => {
    expect(() => extendedPort(said(message))).toThrow(
      expect.objectContaining({ code: "protocol", reply: message }),
    );
  });
});

describe("PASV", () => {
  it.each([
    ["227 Entering Passive Mode (192,168,1,100,10,229)", { host: "192.168.1.100", port: 2789 }],
    ["227 =127,0,0,1,255,255", { host: "127.0.0.1", port: 65535 }],
    ["227 ok (127, 0, 0, 1, 0, 21).", { host: "127.0.0.1", port: 21 }],
  ])("%s", (message, place) => {
    expect(passiveAddress(said(message))).toEqual(place);
  });

  it.each([
    "227 ok",
    "227 (127,0,0,1,0,0)",
    "227 (127,0,0,1,256,0)",
    "227 (127,0,0,1,2)",
    "227 (1127,0,0,1,2,3)",
  ])("refuses %s", (message) => {
    expect(() => passiveAddress(said(message))).toThrow(
      expect.objectContaining({ code: "protocol", reply: message }),
    );
  });
});
