import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import type { ClientSettings } from "../../src/client.js";
import { Removable } from "../../src/net/removable.js";
import { failureOf, names, opened } from "./opened.js";

type Clearing = (secured: TLSSocket, raw: Socket) => void;

/** Under TLS from the start; `clear` is what it does when it hears CCC. */
async function clearing(clear: Clearing, act: (url: string) => Promise<void>): Promise<void> {
  const { key, cert } = await makeTlsMaterial();
  const open = new Set<Socket>();
  const server = createServer((raw) => {
    open.add(raw);
    raw.on("error", () => {});
    // Its end under TLS is no end of the connection.
    const between = new Removable(raw);
    between.outliveTls();
    const secured = new TLSSocket(between, { isServer: true, key, cert });
    secured.on("error", () => {});
    secured.once("secure", () => secured.write("220 ready\r\n"));
    secured.on("data", (octets: Buffer) => {
      for (const command of octets.toString("latin1").split("\r\n")) {
        if (command.startsWith("USER")) secured.write("230 come in\r\n");
        else if (command === "CCC") clear(secured, raw);
        else if (command !== "") secured.write("200 ok\r\n");
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  try {
    await act(`ftps://127.0.0.1:${typeof address === "object" ? address?.port : ""}`);
  } finally {
    for (const socket of open) socket.destroy();
    server.close();
  }
}

const CCC = {
  network: { tls: { insecure: true } },
  options: { ccc: true },
} satisfies ClientSettings;

describe("CCC, from a server that", () => {
  const endings: [string, Clearing, string][] = [
    [
      "ends TLS and the connection in one breath",
      (secured, raw) => {
        secured.write("200 in clear\r\n");
        secured.end();
        raw.end();
      },
      "connect",
    ],
    [
      "agrees and resets the connection",
      (secured, raw) => {
        secured.write("200 in clear\r\n", () => raw.resetAndDestroy());
      },
      "connect",
    ],
    ["refuses", (secured) => secured.write("533 not here\r\n"), "refused"],
  ];
  it.each(endings)("%s", async (_name, clear, code) => {
    await clearing(clear, async (url) => {
      const listed = opened(url, (session) => names(session.list("/")), CCC);
      expect(await failureOf(listed)).toMatchObject({ code });
    });
  });

  const farewells: [string, Clearing][] = [
    [
      "under TLS, in one piece with its consent",
      (secured, raw) => {
        secured.end("200 in clear\r\n421 too many\r\n", () => raw.end());
      },
    ],
    [
      "under TLS, behind its consent",
      (secured, raw) => {
        secured.write("200 in clear\r\n");
        secured.end("421 too many\r\n", () => raw.end());
      },
    ],
    [
      "in clear, as TLS ends",
      (secured, raw) => {
        secured.write("200 in clear\r\n");
        secured.end(() => raw.end("421 too many\r\n"));
      },
    ],
  ];
  it.each(farewells)("says why it closes the session %s", async (_name, clear) => {
    await clearing(clear, async (url) => {
      const listed = opened(url, (session) => names(session.list("/")), CCC);
      expect(await failureOf(listed)).toMatchObject({ code: "connect", reply: "421 too many" });
    });
  });

  it("speaks in clear without having been asked (as vsftpd's 500 OOPS): not told as a port without TLS", async () => {
    const speaks: Clearing = (_secured, raw) => {
      raw.write("500 OOPS: writable root\r\n");
    };
    await clearing(speaks, async (url) => {
      const listed = opened(url, (session) => names(session.list("/")), CCC);
      expect(await failureOf(listed)).toMatchObject({
        code: "tls",
        message: expect.stringContaining("went on without TLS"),
      });
    });
  });
});
