/** `--mx`: a small name server on loopback says which hosts take mail. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import { perform } from "./perform.js";
import { failure, hello, mail, send } from "./talk.js";

function name(text: string): Buffer {
  const labels = text.split(".").filter((label) => label !== "");
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}

/** Answers every question for MX with these (RFC 1035, 4.1); with none, there is no such record. */
async function nameServer(records: readonly (readonly [number, string])[]): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    const head = Buffer.alloc(12);
    head.writeUInt16BE(query.readUInt16BE(0), 0);
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    const question = query.subarray(12, query.indexOf(0, 12) + 5);
    const answers = records.map(([preference, host]) => {
      const data = Buffer.concat([Buffer.from([0, preference]), name(host)]);
      return Buffer.concat([Buffer.from([0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, data.length]), data]);
    });
    socket.send(Buffer.concat([head, question, ...answers]), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

describe("the exchangers of a domain", () => {
  it("are tried by preference, and the next when one is not there", async () => {
    const names = await nameServer([
      [20, "second.harbour.example"],
      [10, "first.harbour.example"],
    ]);
    const play = hello()
      .expect("MAIL FROM:<a@x.example>")
      .sendLines("250 ok")
      .expect("RCPT TO:<b@y.example>")
      .sendLines("250 ok")
      .expect("DATA")
      .sendLines("354 go")
      .expect("Subject: x")
      .expect("")
      .expect("hello")
      .expect(".")
      .sendLines("250 taken")
      .expect("QUIT")
      .sendLines("221 bye");
    await using server = await scripted(play, { timeout: 5000 });
    const { port } = new URL(server.url("http"));
    const client = new Client({
      options: { mx: true },
      network: {
        nameServers: [`127.0.0.1:${names.address().port}`],
        resolve: new Map([
          // Nobody listens there.
          [`first.harbour.example:${port}`, ["127.0.0.2"]],
          [`second.harbour.example:${port}`, ["127.0.0.1"]],
        ]),
      },
    });
    try {
      const session = await client.open(client.target(`smtp://harbour.example:${port}`));
      expect(await send(session, mail())).toMatchObject({ reply: "250 taken" });
      await session[Symbol.asyncDispose]();
      await server.done;
    } finally {
      names.close();
    }
  });

  it("that say there is none end it before a connection (RFC 7505)", async () => {
    const names = await nameServer([[0, ""]]);
    const client = new Client({
      options: { mx: true },
      network: { nameServers: [`127.0.0.1:${names.address().port}`] },
    });
    const failed = await failure(client.open(client.target("smtp://nomail.example")));
    names.close();
    expect(failed).toMatchObject({ code: "refused", message: expect.stringContaining("takes no mail") });
  });

  it("are what a probe tries, too, and tells which it reached", async () => {
    const names = await nameServer([
      [10, "first.harbour.example"],
      [20, "second.harbour.example"],
    ]);
    await using server = await scripted(hello().expect("QUIT").sendLines("221 bye"), { timeout: 5000 });
    const { port } = new URL(server.url("http"));
    const options = { mx: true, "stop-after": "ehlo" };
    const { records, failure: failed } = await perform("probe", [`smtp://harbour.example:${port}`], options, {
      network: {
        nameServers: [`127.0.0.1:${names.address().port}`],
        resolve: new Map([
          [`first.harbour.example:${port}`, ["127.0.0.2"]],
          [`second.harbour.example:${port}`, ["127.0.0.1"]],
        ]),
      },
    });
    names.close();
    expect(failed).toBeUndefined();
    expect(records[0]).toMatchObject({
      step: "connect",
      host: "second.harbour.example",
      detail: `second.harbour.example: 127.0.0.1, port ${port}`,
    });
    await server.done;
  });

  it("that all fail are told by the first that answered", async () => {
    const names = await nameServer([
      [10, "first.harbour.example"],
      [20, "second.harbour.example"],
      [30, "third.harbour.example"],
    ]);
    const busy = hello().expect("QUIT").sendLines("221 bye");
    await using server = await scripted(busy, { timeout: 5000 });
    const { port } = new URL(server.url("http"));
    const client = new Client({
      options: { mx: true },
      policy: { starttls: "require" },
      network: {
        nameServers: [`127.0.0.1:${names.address().port}`],
        resolve: new Map([
          [`first.harbour.example:${port}`, ["127.0.0.2"]],
          [`second.harbour.example:${port}`, ["127.0.0.1"]],
          [`third.harbour.example:${port}`, ["127.0.0.3"]],
        ]),
      },
    });
    const failed = await failure(client.open(client.target(`smtp://harbour.example:${port}`)));
    names.close();
    expect(failed).toMatchObject({ code: "tls", message: "the server does not offer TLS" });
    await server.done;
  });
});
