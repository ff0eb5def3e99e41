/** A server behind a proxy, spoken to as the proxy would: the PROXY header, and Postfix's XCLIENT. */
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { parseProxyHeader, proxyHeader } from "../../src/net/proxy/proxy-protocol.js";
import type { Context, Options } from "../../src/plugin.js";
import type { Reply } from "../../src/wire/replies.js";
import { xtext } from "./delivery.js";
import type { Peer } from "./peer.js";
import { refusal } from "./refusal.js";

/** The octets that go before the greeting; undefined when the user wants none. @throws PortholeError `usage` */
export function proxyHeaderOf(options: Options): ((connection: Connection) => Buffer) | undefined {
  const text = options["proxy-header"];
  if (typeof text !== "string") return undefined;
  const check = (address: string, port: number) => parseProxyHeader(text, { address, port });
  // What is no header is found out before there is a connection; the family shows then.
  check(/[\s,][0-9a-f.]*:/i.test(text) ? "::1" : "127.0.0.1", 25);
  return ({ facts }) => {
    const address = (facts.address ?? "127.0.0.1").replace(/^::ffff:(?=\d+\.)/i, "");
    return proxyHeader(check(address, facts.port));
  };
}

/**
 * XCLIENT (https://www.postfix.org/XCLIENT_README.html), after which the session begins anew. What the server greets with
 * then stands as `peer.met`.
 * @returns the server's reply; undefined when the user wants none
 * @throws PortholeError `usage`, `refused`
 */
export async function sayXclient(peer: Peer, context: Context): Promise<Reply | undefined> {
  const text = context.options["xclient"];
  if (typeof text !== "string") return undefined;
  const words = attributesOf(text);
  if (!peer.extensions.has("XCLIENT")) {
    throw new PortholeError("refused", "the server does not take XCLIENT from here", {
      hint: "Postfix: smtpd_authorized_xclient_hosts",
    });
  }
  const reply = await peer.ask(["XCLIENT", ...words]);
  if (reply.code !== 220) throw refusal(reply, "the server refused XCLIENT");
  return reply;
}

function attributesOf(text: string): string[] {
  const words = text.trim().split(/\s+/);
  return words.map((word) => {
    const [, name = "", value = ""] = /^([A-Za-z]+)=(.+)$/s.exec(word) ?? [];
    if (name === "") {
      throw new PortholeError("usage", `'${word}' is no attribute of XCLIENT`, {
        hint: 'write "ADDR=192.0.2.1 NAME=host.example"',
      });
    }
    return `${name.toUpperCase()}=${xtext(value)}`;
  });
}
