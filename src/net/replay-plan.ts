/**
 * What of a recording is played, and to whom: connections in the order in which they came, data connections of FTP
 * with the one that announced them, and the part within TLS in clear.
 */
import { PortholeError } from "../errors.js";
import type { RecordedEvent } from "./recording.js";

/** A step of a play. `connection` tells the parts of a play apart: 0 is the one it began with. */
export type PlayEvent =
  | {
      readonly kind: "client" | "server";
      readonly connection: number;
      readonly octets: Buffer;
      readonly line: number;
    }
  /** A data connection is expected to be there. */
  | { readonly kind: "accept"; readonly connection: number; readonly line: number };

/** What one client meets, in order: one connection and its data connections. */
export type Play = readonly PlayEvent[];

const ANNOUNCED = /^(?:227 .*\d+,\d+,\d+,\d+,\d+,\d+|229 .*\(([!-~])\1\1\d+\1\))/;

/** A line among capabilities that offers TLS in place: SMTP, FTP (RFC 4217, 6), POP3 and NNTP. Here all is in clear. */
const OFFERS_TLS = /^(?:250-STARTTLS| AUTH (?:TLS|SSL).*|STLS|STARTTLS)\r?\n$/i;

/** @throws PortholeError `usage` when there is nothing to be played */
export function playsOf(events: readonly RecordedEvent[]): Play[] {
  const connections = [...new Set(events.map(({ connection }) => connection))].filter((number) => number > 0);
  const owners = ownersOf(events);
  const roots = connections.filter((connection) => !owners.has(connection));
  const plays = roots
    .map((root) => playOf(root, events, owners))
    .filter((play) => play.some(({ kind }) => kind !== "accept"));
  if (plays.length > 0) return plays;
  throw new PortholeError("usage", "the recording holds no conversation", {
    hint: "record a command that reaches its server",
  });
}

/** Data connections by number, with the connection whose reply announced them (RFC 959, 4.1.2; RFC 2428, 3). */
function ownersOf(events: readonly RecordedEvent[]): ReadonlyMap<number, number> {
  const owners = new Map<number, number>();
  const seen = new Set<number>();
  const waiting: number[] = [];
  for (const event of events) {
    if (!seen.has(event.connection)) {
      seen.add(event.connection);
      const owner = waiting.shift();
      if (owner !== undefined) owners.set(event.connection, owner);
    }
    if (event.kind === "server" && ANNOUNCED.test(event.octets.toString("latin1"))) {
      waiting.push(event.connection);
    }
  }
  return owners;
}

function playOf(root: number, events: readonly RecordedEvent[], owners: ReadonlyMap<number, number>): Play {
  const parts = [root, ...[...owners].filter(([, owner]) => owner === root).map(([part]) => part)];
  const inClear = withoutStartTls(root, events);
  const met = new Set([root]);
  const play: PlayEvent[] = [];
  for (const event of inClear) {
    const connection = parts.indexOf(event.connection);
    if (connection < 0) continue;
    if (!met.has(event.connection)) {
      met.add(event.connection);
      play.push({ kind: "accept", connection, line: event.line });
    }
    if (
      event.kind !== "note" &&
      !(event.kind === "server" && OFFERS_TLS.test(event.octets.toString("latin1")))
    ) {
      const { kind, octets, line } = event;
      play.push({ kind, connection, octets, line });
    }
  }
  return play;
}

/**
 * The part in clear before TLS is left out but for the greeting: what was offered there is not offered here, and
 * what was asked is asked again within TLS (RFC 3207, 4.2).
 */
function withoutStartTls(root: number, events: readonly RecordedEvent[]): readonly RecordedEvent[] {
  const own = events.filter(({ connection }) => connection === root);
  const secured = own.findIndex((event) => event.kind === "note" && /^TLS [\d.]+, /.test(event.text));
  const before = own.slice(0, Math.max(0, secured));
  const asked = before.findIndex(({ kind }) => kind === "client");
  if (asked < 0) return events;
  const dropped = new Set(before.slice(asked));
  return events.filter((event) => !dropped.has(event));
}

/** The scheme of the server that the recording was made from, as its first words tell. */
export function schemeOf([play = []]: readonly Play[]): string {
  const first = play.find(({ kind }) => kind !== "accept");
  const words = (kind: "client" | "server") =>
    play
      .filter((event) => event.kind === kind)
      .map((event) => (event.kind === "accept" ? "" : event.octets.toString("latin1")));
  const [asked = ""] = words("client");
  if (first?.kind === "client") return /^[A-Z]+ \S+ HTTP\/1\.[01]\r?\n/.test(asked) ? "http" : "gopher";
  const [greeting = ""] = words("server");
  if (greeting.startsWith("+OK")) return "pop3";
  if (/^\* (?:OK|PREAUTH|BYE)/.test(greeting)) return "imap";
  if (/^20[01][ -]/.test(greeting)) return "nntp";
  if (greeting.startsWith("220")) {
    if (/^LHLO/i.test(asked)) return "lmtp";
    return /^(?:EHLO|HELO)/i.test(asked) || /E?SMTP/.test(greeting) ? "smtp" : "ftp";
  }
  return greeting.startsWith("\xff") ? "telnet" : "tcp";
}
