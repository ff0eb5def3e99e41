/** Begins to listen on TCP, TLS and Unix sockets. */
import { lstat, unlink } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { hostname } from "node:os";
import type { TlsOptions } from "node:tls";
import { abortReason, messageOf, PortholeError, systemCode } from "../errors.js";
import type { Admits } from "./access.js";
import { connectionError, where } from "./failures.js";
import { Listener, type ListeningPlace, type ListenRequest, type ListenWiring, placeOf } from "./listener.js";
import { ownerOfPath, ownerOfPort } from "./port-owner.js";
import { resolveHost } from "./resolve.js";
import type { NetworkSettings } from "./settings.js";
import { readPem } from "./tls.js";
import { connectUnix } from "./unix.js";

export type { Listener, ListenRequest, ListenWiring } from "./listener.js";

/**
 * @throws PortholeError `connect` when the place is taken or not this machine's, `resolve` for a name without
 * address, `local` for unreadable PEM files, the signal's reason
 */
export async function listen(request: ListenRequest, wiring: ListenWiring): Promise<Listener> {
  const { settings, signal } = wiring;
  if (signal.aborted) throw abortReason(signal);
  const secret = request.tls === true ? await certificate(settings) : undefined;
  const admits = await admission(request, settings, signal);
  const bindTo = await bindAddress(request, settings, signal);
  let server = await makeServer(request, secret, settings);
  try {
    await bind(server, bindTo);
  } catch (thrown) {
    if (!(await isStale(thrown, request, signal))) throw await listenError(thrown, request);
    server = await makeServer(request, secret, settings);
    await bind(server, bindTo).catch(async (again: unknown) => {
      throw await listenError(again, request);
    });
  }
  const address = server.address();
  const place: ListeningPlace =
    typeof address === "object" && address !== null
      ? { address: address.address, port: address.port }
      : { address: "", port: 0, socketPath: address ?? request.socketPath ?? "" };
  const fingerprint = secret?.fingerprint;
  const listener = new Listener(
    server,
    fingerprint === undefined ? place : { ...place, fingerprint },
    request,
    wiring,
    admits,
  );
  wiring.transcript.note(`listening on ${listener.shown}`);
  return listener;
}

/** Undefined where everybody may come. @throws PortholeError `usage` at a Unix socket, and as `accessBy` */
async function admission(
  { access, socketPath }: ListenRequest,
  settings: NetworkSettings,
  signal: AbortSignal,
): Promise<Admits | undefined> {
  if (access === undefined) return undefined;
  if (socketPath !== undefined) {
    throw new PortholeError("usage", "those who connect to a Unix socket have no addresses", {
      hint: "the modes of the socket's folder say who may connect",
    });
  }
  const { accessBy } = await import("./access.js");
  return accessBy(access, settings, signal);
}

interface Secret {
  readonly options: TlsOptions;
  readonly fingerprint?: string;
}

async function certificate({ tls = {}, connectTimeout }: NetworkSettings): Promise<Secret> {
  const shared: TlsOptions = {
    ...(tls.minVersion === undefined ? {} : { minVersion: tls.minVersion }),
    ...(connectTimeout > 0 ? { handshakeTimeout: connectTimeout } : {}),
  };
  const [cert, key] = await Promise.all([readPem(tls.certFile), readPem(tls.keyFile ?? tls.certFile)]);
  if (cert !== undefined && key !== undefined) return { options: { ...shared, cert, key } };
  const { makeCertificate } = await import("./made-certificate.js");
  const own = hostname();
  const made = await makeCertificate(["localhost", ...(/^[\w.-]+$/.test(own) ? [own] : []), "127.0.0.1"]);
  return { options: { ...shared, cert: made.cert, key: made.key }, fingerprint: made.fingerprint };
}

async function makeServer(
  request: ListenRequest,
  secret: Secret | undefined,
  settings: NetworkSettings,
): Promise<Server> {
  const options = { allowHalfOpen: true, pauseOnConnect: secret === undefined };
  const server =
    secret === undefined
      ? createServer(options)
      : await secureServer({ ...secret.options, ...options }, settings);
  if (request.mostConnections !== undefined) server.maxConnections = request.mostConnections;
  return server;
}

/** @throws PortholeError `local` when OpenSSL cannot use the PEM files */
async function secureServer(options: TlsOptions, settings: NetworkSettings): Promise<Server> {
  const { createServer: createSecureServer } = await import("node:tls");
  try {
    return createSecureServer(options);
  } catch (thrown) {
    throw new PortholeError(
      "local",
      `${settings.tls?.certFile ?? "the certificate"}: not usable for TLS: ${messageOf(thrown)}`,
      { hint: "--cert and --key take PEM files, the key without a password", cause: thrown },
    );
  }
}

type BindTo =
  | { readonly path: string }
  | { readonly port: number; readonly host?: string; readonly ipv6Only?: boolean };

async function bindAddress(
  { host, port, socketPath }: ListenRequest,
  settings: NetworkSettings,
  signal: AbortSignal,
): Promise<BindTo> {
  if (socketPath !== undefined) return { path: socketPath };
  const name = host === "" ? (settings.localAddress ?? "") : host;
  if (name !== "") {
    const [first] = await resolveHost(name, port, settings, signal);
    return first === undefined ? { port, host: name } : { port, host: first.address };
  }
  // Node's own choice for no host: all addresses of both families, or of IPv4 where there is no other.
  if (settings.family === undefined) return { port };
  return settings.family === 4 ? { port, host: "0.0.0.0" } : { port, host: "::", ipv6Only: true };
}

function bind(server: Server, to: BindTo): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...to, backlog: 1024 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** A Unix socket whose owner died is left as a file, and is in nobody's way. It is removed then. */
async function isStale(thrown: unknown, request: ListenRequest, signal: AbortSignal): Promise<boolean> {
  const { socketPath } = request;
  if (socketPath === undefined || systemCode(thrown) !== "EADDRINUSE") return false;
  // A file of any other kind refuses a connection just so.
  if (!(await lstat(socketPath)).isSocket()) return false;
  try {
    const socket = await connectUnix(socketPath, signal);
    socket.destroy();
    return false;
  } catch (refused) {
    const cause: unknown = refused instanceof PortholeError ? refused.cause : refused;
    if (systemCode(cause) !== "ECONNREFUSED") return false;
    await unlink(socketPath);
    return true;
  }
}

/** False as well where the file cannot be looked at. */
async function isOtherFile(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && !found.isSocket();
}

/** Why nothing can listen there; who does, where the system tells. Exit 4. */
export async function listenError(
  thrown: unknown,
  request: ListenRequest,
  transport: "tcp" | "udp" = "tcp",
): Promise<PortholeError> {
  if (thrown instanceof PortholeError) return thrown;
  const place = placeOf(request);
  const code = systemCode(thrown);
  if (code === "EADDRINUSE") {
    const { socketPath } = request;
    if (socketPath !== undefined && (await isOtherFile(socketPath))) {
      return new PortholeError("connect", `${where(place)}: there is a file already, and it is no socket`, {
        hint: "choose another path, or remove the file",
        cause: thrown,
      });
    }
    const owner =
      socketPath === undefined ? await ownerOfPort(request.port, transport) : await ownerOfPath(socketPath);
    const who = owner === undefined ? "" : ` by ${owner.program} (process ${owner.pid})`;
    return new PortholeError("connect", `${where(place)}: in use${who}`, {
      hint: `end that program, or choose another ${socketPath === undefined ? "port" : "path"}`,
      cause: thrown,
    });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new PortholeError("connect", `${where(place)}: not allowed to listen there`, {
      hint:
        request.socketPath === undefined
          ? "ports below 1024 are for the system; take a higher one"
          : undefined,
      cause: thrown,
    });
  }
  if (code === "EADDRNOTAVAIL") {
    return new PortholeError("connect", `${where(place)}: not an address of this machine`, { cause: thrown });
  }
  return connectionError(thrown, place);
}
