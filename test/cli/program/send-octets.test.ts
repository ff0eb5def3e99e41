/** `porthole send` to a web place: the body of a POST. */
import { writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objects, User } from "./program.js";

let user: User;
let server: Server;
let url = "";
const got: {
  method: string | undefined;
  path: string | undefined;
  headers: IncomingMessage["headers"];
  body: string;
}[] = [];

beforeAll(async () => {
  user = await User.create();
  server = createServer((request, response) => {
    void text(request).then((body) => {
      got.push({ method: request.method, path: request.url, headers: request.headers, body });
      response.writeHead(request.url === "/full" ? 507 : 201).end("noted");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await user[Symbol.asyncDispose]();
});

describe("send to a web place", () => {
  it("a text, with a header", async () => {
    const args = ["send", `${url}/hook?x=1`, "--text", "It works: \u00e4", "--header", "X-Trace: 1"];
    const { status, stdout } = await user.run(args);
    expect([status, stdout]).toEqual([0, `sent to ${url}/hook?x=1: 201 Created\n`]);
    expect(got.at(-1)).toMatchObject({
      method: "POST",
      path: "/hook?x=1",
      body: "It works: \u00e4",
      headers: { "content-type": "text/plain; charset=utf-8", "content-length": "12", "x-trace": "1" },
    });
  });

  it("a file, by its type, and tells it as JSON", async () => {
    await writeFile(user.path("data.json"), '{"a":1}');
    const { status, stdout } = await user.run(["send", `${url}/x`, "--text-file", "data.json", "--json"]);
    expect([status, objects(stdout)]).toEqual([
      0,
      [{ event: "sent", accepted: [`${url}/x`], reply: "201 Created", size: 7 }],
    ]);
    expect(got.at(-1)).toMatchObject({ body: '{"a":1}', headers: { "content-type": "application/json" } });
  });

  it("and tells what the server does not take: exit 10", async () => {
    const { status, stderr } = await user.run(["send", `${url}/full`, "--text", "x"]);
    expect(status).toBe(10);
    expect(stderr).toContain("507");
  });

  it("and nothing that only a mail has", async () => {
    const { status, stderr } = await user.run(["send", url, "--subject", "Hi", "--text", "x"]);
    expect(status).toBe(2);
    expect(stderr).toContain("--subject is for mails");
  });
});
