/** A request's body through node:http. */
import type { ClientRequest } from "node:http";
import type { RequestBody } from "../engine.js";

/** How long a server may take to agree before the body goes out all the same (milliseconds; RFC 9110, 10.1.1). */
const CONSENT_MS = 1000;

/**
 * Sends the body with back-pressure and ends the request. Stops, leaving the request open for its answer, when
 * the server has refused before all was sent (RFC 9112, 9.3.2).
 * @throws what the body's source throws
 */
export async function sendBody(outgoing: ClientRequest, body: RequestBody): Promise<void> {
  let refused = false;
  let stir: () => void = () => undefined;
  outgoing.once("response", ({ statusCode = 0 }) => {
    refused = statusCode >= 300;
    stir();
  });
  outgoing.on("drain", () => stir());
  outgoing.once("close", () => stir());
  const over = () => refused || outgoing.destroyed;
  if (body.awaitsConsent) await consent(outgoing);
  if (over()) return;
  for await (const octets of body.octets) {
    if (over()) return;
    if (outgoing.write(octets)) continue;
    while (outgoing.writableNeedDrain && !over()) {
      await new Promise<void>((resolve) => {
        stir = resolve;
      });
    }
  }
  if (!over()) outgoing.end();
}

/** The server's consent, its final answer, the end of the connection, or of patience. */
function consent(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CONSENT_MS);
    for (const event of ["continue", "response", "close"]) {
      outgoing.once(event, () => {
        clearTimeout(timer);
        resolve();
      });
    }
    outgoing.flushHeaders();
  });
}
