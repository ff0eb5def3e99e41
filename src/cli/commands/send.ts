/** `porthole send URL --to ADDRESS ...` */
import { PortholeError } from "../../errors.js";
import { outgoingMail, type ReadyMail } from "../../message/mail.js";
import type { Manifest, SendReport, Target } from "../../plugin.js";
import { repeatWhilePossible } from "../../repeat.js";
import { safeLine } from "../../text/safe.js";
import { CrlfWriter } from "../../wire/crlf-writer.js";
import { decodeWords } from "../../wire/words.js";
import type { Desk } from "../command.js";
import { jsonLine } from "../json-line.js";
import { otherName } from "../other-names.js";
import { oneUrl } from "../targets.js";
import { sendCommandOptions, wordNamed } from "../verbs.js";
import { mailOf } from "./mail-parts.js";

/** `--dry-run --json` shows no message larger than this. */
const MAX_SHOWN = 1024 * 1024;
const PARTLY_DONE = 13;

export async function run(desk: Desk): Promise<number | undefined> {
  const { client } = desk;
  const url = oneUrl(desk);
  refuseAddress(url);
  const target = client.target(url);
  client.require(target, "send", ["send"]);
  const manifest = client.manifestOf(target);
  refuseOthersOptions(desk, manifest);
  if (manifest.sends === "octets") return (await import("../send-octets.js")).sendOctets(desk, target);
  if (manifest.sendCommand !== undefined) {
    return (await import("../own-command.js")).runOwnCommand(desk, { manifest, name: manifest.sendCommand });
  }
  // All that may be wrong on this side is found before the server is troubled.
  const mail = await mailOf(desk);
  if (desk.options["dry-run"] === true) {
    await showMail(desk, target, mail);
    return undefined;
  }
  const report = await handedOver(desk, target, mail);
  await showReport(desk, target, report);
  return report.refused.length === 0 ? undefined : PARTLY_DONE;
}

/** With `--retry`, what was refused for now is sent again: nobody has it then. What may have been taken never is. */
async function handedOver(desk: Desk, target: Target, mail: ReadyMail): Promise<SendReport> {
  const { client, terminal } = desk;
  const outcome = await repeatWhilePossible(
    client.policy.retries,
    desk.signal,
    (text) => terminal.warn(client.transcript.cover(text)),
    async () => {
      let begun = false;
      try {
        return await client.use(target, async (session) => {
          if (session.send === undefined) throw new PortholeError("usage", "nothing can be sent here");
          begun = true;
          return { report: await session.send(outgoingMail(mail, true)) };
        });
      } catch (failure) {
        const refused = failure instanceof PortholeError && failure.code === "busy" && mail.once !== true;
        if (!begun || refused) throw failure;
        return { failure };
      }
    },
  );
  if ("failure" in outcome) throw outcome.failure;
  return outcome.report;
}

/** `bob@example.org` would be the front page of example.org, and bob's. @throws PortholeError `usage` */
function refuseAddress(word: string): void {
  const address = /^(?:mailto:)?([^\s/:@]+@[^\s/:@?]+)(?:\?.*)?$/i.exec(word)?.[1];
  if (address === undefined) return;
  throw new PortholeError("usage", `'${word}' says to whom, and not by which server`, {
    hint: `porthole send smtp://SERVER --to ${address}`,
  });
}

/** @throws PortholeError `usage` for what the `send` of other protocols takes alone */
function refuseOthersOptions({ flags, words, client }: Desk, manifest: Manifest): void {
  const { name, title, sendCommand } = manifest;
  const word = wordNamed("send")?.options ?? [];
  const own = [...(sendCommand === undefined ? word : sendCommandOptions(manifest)), ...manifest.options];
  const taken = new Set(own.map(({ flag }) => flag));
  const { registry } = client;
  const others = registry.manifests.flatMap((one) => [...sendCommandOptions(one), ...one.options]);
  // What the environment or the configuration says for other protocols does no harm here.
  const stranger = [...word, ...others].find(
    ({ flag }) => flags[flag] !== undefined && flags[flag] !== false && !taken.has(flag),
  );
  if (stranger === undefined) return;
  throw new PortholeError("usage", `--${stranger.flag} is not for ${title}`, {
    hint:
      otherName(stranger.flag, words, registry) ??
      `porthole ${sendCommand === undefined ? "send" : `${name} ${sendCommand}`} --help shows what is`,
  });
}

// --- What is shown --------------------------------------------------------------------------------------------

async function showMail(desk: Desk, target: Target, mail: ReadyMail): Promise<void> {
  const { terminal } = desk;
  const { from, to } = mail.envelope;
  if (desk.options["json"] === true) {
    await terminal.write(
      jsonLine({
        event: "dry-run",
        envelope: { from, to },
        ...(mail.messageId === "" ? {} : { messageId: mail.messageId }),
        ...(mail.size === undefined ? {} : { size: mail.size }),
        url: target.href(""),
        ...(await messageIn(mail)),
      }),
    );
    return;
  }
  terminal.say(`envelope: ${safeLine(from === "" ? "<>" : from)} -> ${safeLine(to.join(", "))}`);
  for await (const octets of asSent(mail)) await terminal.write(octets);
}

/** Lines ended by CRLF, as they go out. */
async function* asSent(mail: ReadyMail): AsyncGenerator<Buffer, void, undefined> {
  const writer = new CrlfWriter();
  for await (const chunk of mail.raw())
    yield writer.write(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
  yield writer.end();
}

async function messageIn(mail: ReadyMail): Promise<{ message?: string }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const octets of asSent(mail)) {
    size += octets.length;
    if (size > MAX_SHOWN) return {};
    chunks.push(octets);
  }
  return { message: decodeWords(Buffer.concat(chunks)) };
}

async function showReport(desk: Desk, target: Target, report: SendReport): Promise<void> {
  const { terminal } = desk;
  const { accepted, refused, reply, messageId, size } = report;
  if (desk.options["json"] === true) {
    await terminal.write(
      jsonLine({
        event: "sent",
        accepted,
        refused: refused.map(({ recipient, code, reply: words }) => ({ recipient, code, reply: words })),
        reply,
        ...(messageId === undefined ? {} : { messageId }),
        size,
        url: target.href(""),
      }),
    );
    return;
  }
  for (const one of refused) terminal.say(`refused: ${safeLine(one.recipient)} (${safeLine(one.reply)})`);
  const count = accepted.length === 1 ? "1 recipient" : `${accepted.length} recipients`;
  if (!terminal.quiet) {
    await terminal.write(`accepted by ${safeLine(target.host)}: ${count} (${safeLine(reply)})\n`);
  }
}
