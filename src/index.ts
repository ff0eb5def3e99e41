/**
 * Porthole as a library.
 *
 * `connect(url)` opens a session; what it can do depends on the protocol, and a method that is absent is not
 * supported. Nothing here prints or touches the process.
 */
import { Client, type ClientSettings } from "./client.js";
import type { Session } from "./plugin.js";

export { check } from "./checking.js";
export { Client, type ClientObserver, type ClientSettings, type CredentialLookup } from "./client.js";
export { type ErrorCode, EXIT_STATUS, PortholeError } from "./errors.js";
export type { Connection } from "./net/connection.js";
export { Conversation, type ConversationOptions, type Expected } from "./net/conversation.js";
export { Dialer } from "./net/dialer.js";
export type { Endpoint } from "./net/endpoint.js";
export type { Listener, ListenRequest } from "./net/listener.js";
export { parseRecording, type Recording, RecordingWriter } from "./net/recording.js";
export { Replay, type ReplayOptions, replay } from "./net/replay.js";
export type { NetworkSettings, ProxySettings, TlsSettings } from "./net/settings.js";
export { Transcript, type TranscriptEvent } from "./net/transcript.js";
export type * from "./plugin.js";
export { MANIFESTS, Registry } from "./registry.js";
export { formatUrl, type PortholeUrl, parseUrl } from "./url.js";
export type { CheckResult, Grade } from "./verbs/check.js";
export type { CheckManyLimits } from "./verbs/check-many.js";
export { checkJson, exitStatusOf, nagiosReport, prometheusReport, reportsOf } from "./verbs/check-report.js";
export { type CpEvent, type CpRequest, cp } from "./verbs/cp.js";
export {
  type MirrorAction,
  type MirrorEvent,
  type MirrorReport,
  type MirrorRequest,
  mirror,
} from "./verbs/mirror.js";
export { type Saved, type SaveRequest, saveDocument } from "./verbs/save.js";
export { type WatchOptions, watch } from "./verbs/watch.js";

/**
 * Opens a session at a URL; short forms are understood (`example.org`, `:8080`).
 *
 *     const session = await connect("ftp://ftp.example.org/pub");
 *     for await (const entry of session.list?.("/pub") ?? []) console.log(entry.name, entry.size);
 *     await session[Symbol.asyncDispose]();
 *
 * @throws PortholeError, by its code
 */
export async function connect(url: string, settings: ClientSettings = {}): Promise<Session> {
  const client = new Client(settings);
  return client.open(client.target(url));
}
