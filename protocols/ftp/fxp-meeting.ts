/**
 * How two servers come to a connection between them (RFC 959, 5.2): one waits, and the other is told where. Where files go
 * under TLS, one of them has to begin the handshake as clients do. No RFC says how that is asked for; servers that can
 * list SSCN in FEAT (whichever way the connection comes about), or CPSV (in place of PASV: who waits begins TLS).
 */
import type { FTPResponse } from "basic-ftp";
import { PortholeError } from "../../src/errors.js";
import type { Control } from "./control.js";
import { extendedPort, passiveAddress } from "./passive.js";
import { refusal, wordsOf } from "./refusal.js";

export const NOT_ALLOWED = "without --fxp it goes through this machine";

/** This way they did not come together; another may do. */
export class NoMeeting extends PortholeError {}

type Side = "source" | "target";

/** The two sessions. */
export type Sides = Record<Side, Control>;

/** One way for the two to meet. */
export interface Meeting {
  /** Who may wait for the other, the better first. */
  readonly waiting: readonly Side[];
  /** What begins TLS: nothing in clear, SSCN at one of them, CPSV at the one that waits. */
  readonly tls?: { readonly by: "SSCN"; readonly at: Side } | { readonly by: "CPSV" };
}

/** An address, as a server told it, for the other to connect to. */
interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * The ways that both sides know; in clear there is one.
 * @throws PortholeError `usage` where one alone protects its data, `refused` where neither begins TLS
 */
export async function meetingsOf({ source, target }: Sides): Promise<readonly Meeting[]> {
  const both = ["source", "target"] as const;
  if (source.protectedData !== target.protectedData) {
    const which = source.protectedData ? "the first" : "the second";
    throw new PortholeError("usage", `${which} server alone has its files go under TLS`, {
      hint: `--starttls require asks both for TLS, --prot C has the file go in clear; ${NOT_ALLOWED}`,
    });
  }
  if (!source.protectedData) return [{ waiting: both }];
  const meetings: Meeting[] = [];
  // The target first: who sends as TLS's client closes with the tickets of RFC 8446, 4.6.1 unread, and ProFTPD then resets
  // the connection, the end of the file not yet received.
  const sides = [["target", target] as const, ["source", source] as const];
  for (const [at, control] of sides) {
    if ((await control.feature("SSCN")) !== undefined)
      meetings.push({ waiting: both, tls: { by: "SSCN", at } });
  }
  for (const [at, control] of sides) {
    if ((await control.feature("CPSV")) !== undefined) meetings.push({ waiting: [at], tls: { by: "CPSV" } });
  }
  if (meetings.length > 0) return meetings;
  throw new PortholeError("refused", "neither server can begin TLS with the other (SSCN, CPSV)", {
    hint: `${NOT_ALLOWED}, under TLS; --prot C sends the file in clear`,
  });
}

/**
 * Has them know of each other, and of who begins TLS. What it changed at a session is for `part` to undo.
 * @throws NoMeeting when neither takes the other's address
 */
export async function introduce({ waiting, tls }: Meeting, sides: Sides): Promise<void> {
  if (tls?.by === "SSCN") {
    const reply = await sides[tls.at].ask("SSCN ON");
    if (reply.code >= 300) throw refused(reply);
  }
  let last: FTPResponse | undefined;
  for (const side of waiting) {
    const { host, port } = await placeOf(sides[side], tls?.by === "CPSV");
    last = await aim(sides[side === "source" ? "target" : "source"], host, port);
    if (last.code < 300) return;
  }
  const who = waiting.length > 1 ? "neither server connects" : "the one server does not connect";
  throw new NoMeeting("refused", `${who} to the other`, {
    reply: last === undefined ? undefined : wordsOf(last),
    hint: NOT_ALLOWED,
  });
}

/** After the transfer, or what became of it: a session's next data connection is with us, who begin TLS as ever. */
export async function part({ tls }: Meeting, sides: Sides): Promise<void> {
  if (tls?.by !== "SSCN") return;
  const control = sides[tls.at];
  if (control.over) return;
  const reply = await control.ask("SSCN OFF");
  // As it is now it would wait for us to act as a server.
  if (reply.code >= 300) control.drop();
}

/** Listed in FEAT, and refused. */
function refused(reply: FTPResponse): NoMeeting {
  const { code, message } = refusal(reply);
  return new NoMeeting(code, message, { reply: wordsOf(reply), hint: NOT_ALLOWED });
}

/** Where a server listens, as the other would reach it. */
async function placeOf(control: Control, beginsTls: boolean): Promise<Place> {
  const { address } = control.connection.facts;
  if (beginsTls) {
    const reply = await control.ask("CPSV");
    if (reply.code !== 227) throw refused(reply);
    return passiveAddress(reply);
  }
  if (address?.includes(":") !== true) {
    const reply = await control.ask("PASV");
    // Both addresses are the server's own: the one that it names is for those beyond its router.
    if (reply.code === 227) return passiveAddress(reply);
  }
  const reply = await control.ask("EPSV");
  if (reply.code !== 229 || address === undefined) throw refusal(reply);
  return { host: address, port: extendedPort(reply) };
}

async function aim(control: Control, host: string, port: number): Promise<FTPResponse> {
  const isV6 = host.includes(":");
  if (!isV6) {
    const reply = await control.ask(`PORT ${host.replaceAll(".", ",")},${port >> 8},${port & 255}`);
    if (reply.code < 500) return reply;
  }
  return control.ask(`EPRT |${isV6 ? 2 : 1}|${host}|${port}|`);
}
