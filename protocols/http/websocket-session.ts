/** `ws:` and `wss:` URLs as a Session: talked to line by line, watched message by message, checked. */
import { Duplex } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { CheckStep, Context, Interaction, Session, Target, WatchEvent } from "../../src/plugin.js";
import type { Requester } from "./requester.js";
import { LONGEST_MESSAGE, type Message, openTalk, type Talk } from "./websocket-talk.js";

/** Silence after the last line of a pipe until it is closed (milliseconds). */
const SETTLE_MS = 1000;
const LF = 10;
const CR = 13;

/** The same place as HTTP asks for it (RFC 6455, 3: the schemes differ, authority and path do not). */
export function webTarget(target: Target): Target {
  const web = (url: string) => url.replace(/^ws(s?):/i, "http$1:");
  return {
    ...target,
    url: { ...target.url, scheme: web(`${target.url.scheme}:`).slice(0, -1) },
    href: (path) => web(target.href(path)),
  };
}

export function websocketSession(requester: Requester, target: Target, context: Context): Session {
  const open = () =>
    openTalk(requester, { path: target.path, url: target.href(target.path), signal: context.signal });
  return {
    interact: async () => interactionOf(await open()),
    watch: () => messagesOf(open, target),
    check: () => checkSteps(open),
    [Symbol.asyncDispose]: () => requester.close(),
  };
}

async function* messagesOf(
  open: () => Promise<Talk>,
  target: Target,
): AsyncGenerator<WatchEvent, void, undefined> {
  const talk = await open();
  const url = target.href(target.path);
  try {
    for await (const { data, binary } of talk.messages()) {
      const text = data.toString("utf8");
      const meta = binary ? { base64: data.toString("base64") } : { text };
      const entry = { url, name: "message", kind: "other", size: data.length, meta } as const;
      yield { event: "data", at: new Date(), entry, text: binary ? `(${data.length} octets)` : text };
    }
    if (talk.refusal !== undefined) throw talk.refusal;
  } finally {
    talk.leave();
  }
}

async function* checkSteps(open: () => Promise<Talk>): AsyncGenerator<CheckStep, void, undefined> {
  const began = performance.now();
  const talk = await open();
  const { subprotocol } = talk;
  talk.leave();
  yield {
    step: "roundtrip",
    ok: true,
    ms: performance.now() - began,
    detail: subprotocol === "" ? "a WebSocket" : `a WebSocket, ${subprotocol}`,
    facts: subprotocol === "" ? {} : { subprotocol },
  };
}

/** A line is a message, and a message a line. */
function interactionOf(talk: Talk): Interaction {
  const messages = talk.messages();
  let rest = Buffer.alloc(0);
  const stream = new Duplex({
    read() {
      messages.next().then(
        ({ done, value }) => {
          if (done !== true) stream.push(shown(value));
          else if (talk.refusal === undefined) stream.push(null);
          else stream.destroy(talk.refusal);
        },
        (thrown: Error) => stream.destroy(thrown),
      );
    },
    write(octets: Buffer, _encoding, done) {
      const lines: Buffer[] = [];
      rest = Buffer.concat([rest, octets]);
      for (let end = rest.indexOf(LF); end >= 0; end = rest.indexOf(LF)) {
        lines.push(rest.subarray(0, rest[end - 1] === CR ? end - 1 : end));
        rest = rest.subarray(end + 1);
      }
      if (rest.length > LONGEST_MESSAGE) {
        done(new PortholeError("usage", `a line is longer than the ${LONGEST_MESSAGE} octets of a message`));
      } else sayAll(talk, lines).then(() => done(), done);
    },
    // What was said last may still be answered.
    final(done) {
      sayAll(talk, rest.length > 0 ? [rest] : [])
        .then(() => talk.closeWhenSilent(SETTLE_MS))
        .then(() => done(), done);
    },
    destroy(error, done) {
      talk.leave();
      done(error);
    },
  });
  return Object.assign(stream, {
    keys: false,
    draws: false,
    signals: {},
    resize: () => undefined,
    signal(name: string): string {
      throw new PortholeError("usage", `a WebSocket has no signal '${name}'`);
    },
  });
}

async function sayAll(talk: Talk, messages: readonly Buffer[]): Promise<void> {
  for (const message of messages) await talk.say(message, false);
}

function shown({ data, binary }: Message): Buffer {
  return binary ? data : Buffer.concat([data, Buffer.of(LF)]);
}
