/**
 * The two parts of undici that are used, imported by themselves: the whole package takes three times as long to
 * load. They are declared as they behave: any Duplex serves as a socket, any text as a method, and raw
 * response headers come as one flat list.
 */
declare module "undici/lib/dispatcher/agent.js" {
  import type { Duplex } from "node:stream";
  import { Dispatcher } from "undici";

  interface Origin {
    /** Name and port, the port left out when it is the scheme's. */
    readonly host: string;
    readonly protocol: string;
    readonly hostname: string;
    readonly port: string;
  }

  interface Settings {
    readonly connections: number;
    readonly connect: (origin: Origin, done: (error: Error | null, socket: Duplex | null) => void) => void;
    readonly allowH2: boolean;
    readonly maxHeaderSize: number;
    readonly headersTimeout: number;
    readonly bodyTimeout: number;
  }

  export type { Origin };
  export default class Agent extends Dispatcher {
    constructor(settings: Settings);
  }
}

declare module "undici/lib/api/api-request.js" {
  import type { Readable } from "node:stream";
  import type { Dispatcher } from "undici";

  interface Request {
    readonly origin: string;
    readonly method: string;
    readonly path: string;
    readonly headers: readonly string[];
    readonly body: Readable | null;
    readonly signal: AbortSignal;
    readonly responseHeaders: "raw";
    readonly onInfo: (information: {
      readonly statusCode: number;
      readonly headers: readonly string[];
    }) => void;
  }

  interface Response {
    readonly statusCode: number;
    readonly statusText: string;
    /** Name, value, name, value, ... */
    readonly headers: readonly string[];
    /** Filled when the body has ended. */
    readonly trailers: Readonly<Record<string, string | readonly string[]>>;
    readonly body: Readable;
  }

  /** To be called with a dispatcher as `this`. */
  const request: (this: Dispatcher, request: Request) => Promise<Response>;
  export default request;
}
