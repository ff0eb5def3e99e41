/** What `Session.send` takes here: a conversation written down (script-file.ts), which is held. */
import { PortholeError } from "../../src/errors.js";
import type { Outgoing, SendReport } from "../../src/plugin.js";
import { parseScript, readScript, runScript } from "./script-file.js";
import type { TelnetStream } from "./stream.js";
import { FIRST_WORD, lastLine, SETTLE, STEP_WAIT, talkOver } from "./talk.js";

/** Characters of the session that are kept for the report's last word. */
const MOST_KEPT = 4096;

/** @throws PortholeError `usage` for what is no script; what the conversation fails with */
export async function sendScript(
  outgoing: Outgoing,
  connect: () => Promise<TelnetStream>,
  url: string,
): Promise<SendReport> {
  if (outgoing.kind !== "octets") {
    throw new PortholeError("usage", "Telnet takes a script, and no message", {
      hint: "smtp: sends mails, nntp: articles",
    });
  }
  // Read whole before anything is said.
  const text = await readScript(outgoing.source.body, "the script");
  const script = await parseScript(text, "the script");
  const stream = await connect();
  let said = "";
  const decoder = new TextDecoder();
  const talk = talkOver(stream, {
    onOctets: async (piece) => {
      said = (said + decoder.decode(piece, { stream: true })).slice(-MOST_KEPT);
    },
  });
  try {
    await runScript(talk, script, STEP_WAIT);
    if (!talk.ended) await talk.waitForText(FIRST_WORD);
    await talk.settle(SETTLE, STEP_WAIT);
    return {
      accepted: [url],
      refused: [],
      reply: lastLine(said).trim() || "nothing",
      size: Buffer.byteLength(text),
    };
  } finally {
    stream.destroy();
  }
}
