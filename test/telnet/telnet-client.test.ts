/** The package telnet-client as a peer of the sandbox's server. */
import { Telnet } from "telnet-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["telnet"] });
});

afterAll(async () => {
  await sandbox.close();
});

async function loggedIn(): Promise<Telnet> {
  const client = new Telnet();
  await client.connect({
    host: "127.0.0.1",
    port: Number(new URL(sandbox.url("telnet")).port),
    loginPrompt: /login: ?$/,
    username: "porthole",
    passwordPrompt: /Password: ?$/,
    password: "sandbox",
    shellPrompt: /harbour\$ ?$/,
    timeout: 5000,
  });
  return client;
}

describe("telnet-client", () => {
  it("logs in, does commands, and is told the end", async () => {
    const client = await loggedIn();
    expect(await client.exec("echo hello there")).toContain("hello there");
    expect(await client.exec("texts")).toMatch(/\w+/);
    const closed = new Promise((resolve) => client.once("close", resolve));
    // Its own send() would wait two seconds for an answer.
    client.getSocket()?.write("exit\r\n");
    await closed;
  });
});
