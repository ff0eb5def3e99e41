/** Requests over connections that were kept open, and that the server may have closed in the meantime. */
import { PortholeError } from "../../src/errors.js";
import type { Connector } from "./connector.js";
import { type HttpRequest, type HttpResponse, isRepeatable } from "./engine.js";
import { responseFailure } from "./failures.js";

/**
 * Runs `exchange`, again when a kept connection broke before a word of the answer came: the server closed it while
 * the request was on its way. Only for requests that may be repeated (RFC 9112, 9.3.1).
 * @throws PortholeError `protocol` when the connection broke within the answer's head, `connect` before it, and others
 */
export async function overLiveConnection(
  connector: Connector,
  request: HttpRequest,
  exchange: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  for (;;) {
    const { dialed, received } = connector;
    try {
      return await exchange();
    } catch (thrown) {
      const failure = responseFailure(thrown, request.signal);
      if (failure.code !== "connect") throw failure;
      if (connector.received > received) {
        throw new PortholeError("protocol", "the connection ended within the answer's headers", {
          cause: failure,
        });
      }
      if (connector.dialed > dialed || !isRepeatable(request)) throw failure;
    }
  }
}
