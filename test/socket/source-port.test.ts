import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { perform, serve, steps } from "./performed.js";

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

describe("--source-port", () => {
  it.each(["tcp", "tls"])("is where a client's %s connection comes from", async (scheme) => {
    for (const name of ["connect", "send", "recv"]) {
      const port = await freePort();
      const server = await serve("socket", "listen", [`${scheme}://127.0.0.1:0`], steps("send=hi"));
      const url = `${scheme}://127.0.0.1:${server.port}`;
      const said = name === "recv" ? {} : steps("send=a");
      const settings = { network: { tls: { insecure: true } } };
      await perform("socket", name, [url], { "source-port": port, ...said }, { settings });
      await server.ended;
      expect(server.warnings[1]).toBe(`Got connection from 127.0.0.1:${port}`);
    }
  });

  it("is where datagrams come from", async () => {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    const port = await freePort();
    const came = once(socket, "message");
    const url = `udp://127.0.0.1:${socket.address().port}`;
    await perform("socket", "send", [url], { "source-port": port, ...steps("send=a") });
    expect((await came)[1]).toMatchObject({ port });
    socket.close();
  });

  it("in use is exit 4, and tells by whom", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await expect(
      perform("socket", "connect", ["tcp://127.0.0.1:1"], { "source-port": port }),
    ).rejects.toMatchObject({
      code: "connect",
      exit: 4,
      message: expect.stringContaining(`port ${port} of this machine is in use by`),
    });
    server.close();
    const socket = createSocket("udp4").bind(0);
    await once(socket, "listening");
    const taken = socket.address().port;
    await expect(
      perform("socket", "send", ["udp://127.0.0.1:1"], { "source-port": taken, ...steps("send=a") }),
    ).rejects.toMatchObject({
      exit: 4,
      message: expect.stringContaining(`port ${taken} of this machine is in use`),
    });
    socket.close();
  });

  it.each([0, 65_536, 1.5])("is no port: %s", async (port) => {
    await expect(
      perform("socket", "connect", ["tcp://127.0.0.1:1"], { "source-port": port }),
    ).rejects.toMatchObject({ code: "usage" });
  });
});
