/** A session with a server that plays a script, and small mails to send. */
import { Readable } from "node:stream";
import { expect } from "vitest";
import { type Script, type ScriptedServer, script, scripted } from "../../fixtures/servers/scripted.js";
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

/** A greeting, and EHLO answered with these extensions. */
export function hello(...extensions: readonly string[]): Script {
  const lines = ["hi", ...extensions].map(
    (words, at) => `250${at === extensions.length ? " " : "-"}${words}`,
  );
  return script()
    .sendLines("220 hi")
    .expect("EHLO [127.0.0.1]")
    .sendLines(...lines);
}

export const STEPWISE = hello();
export const PIPELINING = hello("PIPELINING");
/** Facts of a mail to two. */
export const TWO = { to: ["b@y.example", "c@z.example"] };

/** Sends a mail to a server that plays a script to its end. */
export async function sends(play: Script, outgoing = mail()): Promise<SendReport> {
  let report: SendReport | undefined;
  await talk(play, async (session, server) => {
    report = await send(session, outgoing);
    await session[Symbol.asyncDispose]();
    await server.done;
  });
  if (report === undefined) throw new Error("no report");
  return report;
}

/** As `sends`, where sending is what fails. */
export async function fails(play: Script, outgoing = mail()): Promise<unknown> {
  let failed: unknown;
  await talk(play, async (session, server) => {
    failed = await failure(send(session, outgoing));
    await session[Symbol.asyncDispose]();
    await server.done;
  });
  expect(outgoing.raw.destroyed).toBe(true);
  return failed;
}
