/** What `check` tells of a web server: one question, and what its answer says about it. */
import type { CheckStep } from "../../src/plugin.js";
import { drain } from "./drain.js";
import { headerValue } from "./engine.js";
import { entryOf } from "./entry.js";
import { urlOf } from "./redirects.js";
import type { Requester } from "./requester.js";

/** RFC 9110, 15.6.2 and 15.5.6: the server has no HEAD, here or at all. */
const NO_HEAD: readonly number[] = [405, 501];

/** @throws PortholeError for a status of 400 and above */
export async function* checkSteps(
  requester: Requester,
  path: string,
): AsyncGenerator<CheckStep, void, undefined> {
  const began = performance.now();
  let method = "HEAD";
  let answer = await requester.ask({ method, path, welcomes: ({ status }) => NO_HEAD.includes(status) });
  if (NO_HEAD.includes(answer.response.status)) {
    await drain(answer.response.body);
    method = "GET";
    answer = await requester.ask({ method, path });
  }
  answer.response.body.destroy();
  const { response, place } = answer;
  const url = urlOf(place);
  const server = headerValue(response.headers, "server");
  yield {
    step: "roundtrip",
    ok: true,
    ms: performance.now() - began,
    detail: `${method}: ${response.status} ${response.reason}`.trim() + (server ? `, ${server}` : ""),
    facts: { url, method, ...entryOf(answer).meta },
  };
}
