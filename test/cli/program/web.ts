/** A web server whose answers a test writes, and which remembers what it was asked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

export type Answer = (response: ServerResponse, asked: Asked, number: number) => void;

export class Web implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #server: Server;
  port = 0;

  private constructor(answer: Answer) {
    this.#server = createServer((request, response) => {
      const asked = { method: request.method ?? "", path: request.url ?? "", headers: request.headers };
      this.asked.push(asked);
      response.on("error", () => undefined);
      answer(response, asked, this.asked.length);
    });
  }

  /** @param answer is told the request and its number, from 1 */
  static async serve(answer: Answer): Promise<Web> {
    const web = new Web(answer);
    await new Promise<void>((resolve) => web.#server.listen(0, "127.0.0.1", resolve));
    const address = web.#server.address();
    if (typeof address === "object" && address !== null) web.port = address.port;
    return web;
  }

  url(path = "/"): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Octets that differ everywhere, so that a piece in the wrong place shows. */
export function numbered(size: number): Buffer {
  const octets = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) octets.writeUInt32BE(at, at);
  return octets;
}
