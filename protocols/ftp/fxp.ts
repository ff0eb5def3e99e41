/** From server to server, nothing of the file passing here (FXP): RFC 959, 2.3 has it, and few servers still allow it. */
import type { FTPResponse } from "basic-ftp";
import { PortholeError } from "../../src/errors.js";
import type { Invocation, Output } from "../../src/plugin.js";
import { type Opened, openUrl } from "./opened.js";
import { extendedPort, passiveAddress } from "./passive.js";
import { shownPath } from "./path.js";
import { Refusal, refusal } from "./refusal.js";
import { findAt } from "./standing.js";

const USAGE = "fxp FROM TO";
const NOT_ALLOWED = "one of the servers does not allow it; cp goes through this machine";

/** @throws PortholeError `refused` where a server refuses an address that is not ours */
export async function* fxp(invocation: Invocation): AsyncGenerator<Output> {
  const [from, to, ...rest] = invocation.words;
  if (from === undefined || to === undefined || rest.length > 0) {
    throw new PortholeError("usage", "from where to where?", { hint: USAGE });
  }
  const source = await openUrl(invocation, from, USAGE);
  const target = await openUrl(invocation, to, USAGE);
  const began = performance.now();
  const octets = await between(source, target);
  const place = target.session.place(target.target.path);
  yield {
    kind: "record",
    text: `${shownPath(place)}: ${octets === undefined ? "done" : `${octets} octets`}`,
    data: {
      from: source.target.href(source.target.path),
      to: target.target.href(target.target.path),
      ...(octets === undefined ? {} : { octets }),
      ms: Math.round(performance.now() - began),
    },
  };
}

async function between(source: Opened, target: Opened): Promise<number | undefined> {
  for (const { control } of [source, target]) {
    if (!control.protectedData) continue;
    throw new PortholeError("usage", "servers cannot agree on TLS between them by way of a third", {
      hint: "--prot C sends the file in clear; cp goes through this machine",
    });
  }
  const [one, other] = [source.session.place(source.target.path), target.session.place(target.target.path)];
  if ((await findAt(target.control, other)) !== undefined) {
    throw new PortholeError("local", `${shownPath(other)}: exists already`, { hint: "rm removes it" });
  }
  await source.control.useType("I");
  await target.control.useType("I");
  const [oldName, newName] = [await source.control.pathname(one), await target.control.pathname(other)];
  const { host, port } = await passivePlace(source);
  const aimed = await aim(target, host, port);
  if (aimed.code >= 300) throw new Refusal(aimed, "refused", NOT_ALLOWED);
  // The one that was given an address connects; both wait for each other, so both are asked at once.
  const [sent, taken] = await Promise.all([
    source.control.ask(`RETR ${oldName}`),
    target.control.ask(`STOR ${newName}`),
  ]);
  if (sent.code >= 300) throw refusal(sent, "missing");
  if (taken.code >= 300) throw refusal(taken);
  const [before, after] = [await findAt(source.control, one), await findAt(target.control, other)];
  if (before?.size !== undefined && after?.size !== undefined && before.size !== after.size) {
    throw new PortholeError("protocol", `${before.size} octets were sent, and ${after.size} are there`);
  }
  return after?.size;
}

/** Where the source listens, as the target would reach it. */
async function passivePlace({ control }: Opened): Promise<{ host: string; port: number }> {
  const { address } = control.connection.facts;
  if (address?.includes(":") !== true) {
    const reply = await control.ask("PASV");
    // Both addresses are the server's own: the one that it names is for those beyond its router.
    if (reply.code === 227) return passiveAddress(reply);
  }
  const reply = await control.ask("EPSV");
  if (reply.code !== 229 || address === undefined) throw refusal(reply);
  return { host: address, port: extendedPort(reply) };
}

async function aim({ control }: Opened, host: string, port: number): Promise<FTPResponse> {
  const isV6 = host.includes(":");
  if (!isV6) {
    const reply = await control.ask(`PORT ${host.replaceAll(".", ",")},${port >> 8},${port & 255}`);
    if (reply.code < 500) return reply;
  }
  return control.ask(`EPRT |${isV6 ? 2 : 1}|${host}|${port}|`);
}
