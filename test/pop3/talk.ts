/** Pieces of scripts of POP3 servers. */
import { conversation, type Script } from "../../fixtures/servers/scripted.js";
import { talksOf } from "../talk.js";

export { ANN, failure, listed, octets, read, remove } from "../talk.js";

export const BYE = conversation("C: QUIT\nS: +OK bye");

/** A greeting, and CAPA answered with these lines. */
export function hello(...capabilities: readonly string[]): Script {
  return conversation("S: +OK ready\nC: CAPA").sendLines("+OK", ...capabilities, ".");
}

/** A greeting, and a login by USER and PASS, after which the same is offered. */
export function welcome(...capabilities: readonly string[]): Script {
  return hello("USER", ...capabilities)
    .and(conversation("C: USER ann\nS: +OK\nC: PASS open sesame\nS: +OK come in\nC: CAPA"))
    .sendLines("+OK", "USER", ...capabilities, ".");
}

/** The same of a server that does not know CAPA. */
export const OLD_WELCOME = conversation(`
  S: +OK ready
  C: CAPA
  S: -ERR what?
  C: USER ann
  S: +OK
  C: PASS open sesame
  S: +OK come in
`);

export const { talk, plays, openFailure } = talksOf("pop3", true);
