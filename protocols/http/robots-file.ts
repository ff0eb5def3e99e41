/** A site's robots.txt, asked for. */
import { PortholeError } from "../../src/errors.js";
import type { RobotRules } from "../../src/plugin.js";
import { codingsOf, decoded } from "./content-coding.js";
import { headerValue } from "./engine.js";
import type { Requester } from "./requester.js";
import { ALL_ALLOWED, NONE_ALLOWED, parseRobots } from "./robots.js";

/** Octets that are read. */
const LONGEST = 512 * 1024;
/** Who we are to it. */
const AGENT = "porthole";

/** @throws PortholeError when the site cannot be reached at all */
export async function robotsOf(requester: Requester): Promise<RobotRules> {
  let text = "";
  try {
    const { response } = await requester.ask({ method: "GET", path: "/robots.txt" });
    const body = await decoded(response.body, codingsOf(headerValue(response.headers, "content-encoding")));
    const pieces: Buffer[] = [];
    let size = 0;
    const octets: AsyncIterable<Buffer> = body;
    for await (const piece of octets) {
      pieces.push(piece);
      size += piece.length;
      if (size >= LONGEST) break;
    }
    text = Buffer.concat(pieces).toString("utf8");
  } catch (thrown) {
    if (!(thrown instanceof PortholeError)) throw thrown;
    // RFC 9309, 2.3.1.3 and 2.3.1.4.
    if (["missing", "refused", "auth"].includes(thrown.code)) return ALL_ALLOWED;
    if (thrown.code === "busy") return NONE_ALLOWED;
    throw thrown;
  }
  return parseRobots(text, AGENT);
}
