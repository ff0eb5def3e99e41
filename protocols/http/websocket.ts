/** `porthole http ws URL`: a WebSocket by lines. */
import { PortholeError } from "../../src/errors.js";
import type { Invocation, Output } from "../../src/plugin.js";
import { openFor } from "./opened.js";
import { LONGEST_MESSAGE, type Message, openTalk } from "./websocket-talk.js";

const USUAL_SETTLE_S = 1;

export async function* websocketCommand(invocation: Invocation): AsyncGenerator<Output> {
  const [given, ...rest] = invocation.words;
  if (given === undefined)
    throw new PortholeError("usage", "which URL?", { hint: "http ws wss://HOST/PATH" });
  if (rest.length > 0)
    throw new PortholeError("usage", `'${rest[0]}' is too much`, { hint: "--send TEXT sends it" });
  const { options, signal } = invocation;
  const { requester, target } = await openFor(invocation, given.replace(/^ws(s?):/i, "http$1:"));
  const talk = await openTalk(requester, {
    path: target.path,
    url: target.href(target.path),
    subprotocols: protocolsOf(options["subprotocol"]),
    signal,
  });
  try {
    const sending = talk.send(messagesFrom(invocation), options["binary"] === true);
    // Its failure is told when all that came has been shown.
    sending.catch(() => undefined);
    sending.then(
      () => (options["listen"] === true ? undefined : talk.closeWhenSilent(settleMs(options["settle"]))),
      () => talk.leave(),
    );
    for await (const message of talk.messages()) yield shown(message, options["json"] === true);
    await sending;
    if (talk.refusal !== undefined) throw talk.refusal;
  } finally {
    talk.leave();
  }
}

function shown({ data, binary }: Message, json: boolean): Output {
  const text = data.toString("utf8");
  if (json) {
    return {
      kind: "record",
      text,
      data: {
        event: "message",
        at: new Date().toISOString(),
        ...(binary ? { base64: data.toString("base64") } : { text }),
      },
    };
  }
  return { kind: "octets", octets: binary ? data : Buffer.from(`${text}\n`) };
}

/** What `--send` says, then the lines of standard input unless something was said. */
async function* messagesFrom({ options, stdin }: Invocation): AsyncGenerator<Uint8Array> {
  const given = options["send"];
  const texts: readonly string[] = Array.isArray(given) ? given : [];
  for (const text of texts) yield Buffer.from(text, "utf8");
  if (texts.length > 0 || options["listen"] === true) return;
  let rest = Buffer.alloc(0);
  for await (const octets of stdin) {
    rest = Buffer.concat([rest, octets]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.subarray(0, rest[end - 1] === 13 ? end - 1 : end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > LONGEST_MESSAGE) {
      throw new PortholeError("usage", `a line is longer than the ${LONGEST_MESSAGE} octets of a message`);
    }
  }
  if (rest.length > 0) yield rest;
}

function protocolsOf(given: unknown): string[] {
  if (!Array.isArray(given)) return [];
  return given.map(String).map((name) => {
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return name;
    throw new PortholeError("usage", `'${name}' cannot be the name of a subprotocol`);
  });
}

function settleMs(given: unknown): number {
  return (typeof given === "number" ? given : USUAL_SETTLE_S) * 1000;
}
