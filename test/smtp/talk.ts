/** A session with a server that plays a script, and small mails to send. */
import { Readable } from "node:stream";
import { type Script, type ScriptedServer, scripted } from "../../fixtures/servers/scripted.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Outgoing, SendReport, Session } from "../../src/plugin.js";

export interface Place {
  /** `smtp` when absent. */
  readonly scheme?: string;
  /** Before the host: `ann:secret@`. */
  readonly user?: string;
}

/** Opens a session, lets `act` use it, and closes both ends whatever happens. */
export async function talk(
  play: Script | readonly Script[],
  act: (session: Session, server: ScriptedServer) => Promise<void>,
  settings: ClientSettings = {},
  place: Place = {},
): Promise<void> {
  await using server = await scripted(play, { timeout: 5000 });
  const client = new Client(settings);
  const url = server.url(place.scheme ?? "smtp").replace("//", `//${place.user ?? ""}`);
  const session = await client.open(client.target(url));
  try {
    await act(session, server);
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

/** As `talk`, where opening is what fails. */
export async function openFailure(
  play: Script,
  settings: ClientSettings = {},
  place: Place = {},
): Promise<unknown> {
  await using server = await scripted(play, { timeout: 5000 });
  const failed = await failure(
    (async () => {
      const client = new Client(settings);
      const url = server.url(place.scheme ?? "smtp").replace("//", `//${place.user ?? ""}`);
      const session = await client.open(client.target(url));
      await session[Symbol.asyncDispose]();
    })(),
  );
  await server.done;
  return failed;
}

export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (thrown: unknown) => thrown,
  );
}

export async function send(session: Session, outgoing: Outgoing): Promise<SendReport> {
  if (session.send === undefined) throw new Error("the session cannot send");
  return session.send(outgoing);
}

export interface Facts {
  readonly from?: string;
  readonly to?: readonly string[];
  readonly size?: number;
  readonly eightBit?: boolean;
}

/** A mail of these octets. */
export function mail(
  text: string | Uint8Array | Readable = "Subject: x\r\n\r\nhello\r\n",
  facts: Facts = {},
): Extract<Outgoing, { kind: "message" }> {
  const { from = "a@x.example", to = ["b@y.example"], ...rest } = facts;
  const raw = text instanceof Readable ? text : Readable.from([Buffer.from(text)], { objectMode: false });
  const outgoing = {
    kind: "message",
    envelope: { from, to },
    messageId: "<1@x.example>",
    raw,
    eightBit: false,
    ...rest,
  } as const;
  return outgoing;
}
