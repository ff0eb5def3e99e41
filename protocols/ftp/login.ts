/** From a target to a control connection that is ready for work: TLS, login, protection of the data. */
import { FTPError } from "basic-ftp";
import { PortholeError } from "../../src/errors.js";
import type { Context, Credentials, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { Control } from "./control.js";
import { octetsOf } from "./octets.js";
import { refusal, wordsOf } from "./refusal.js";

/** RFC 1635: anybody may come in under this name; a mail address is asked for, and none is given. */
const ANYBODY: Credentials = { user: "anonymous", password: "anonymous@", kind: "password" };

/** @throws PortholeError `connect`, `tls`, `auth` and what the dialer throws */
export async function openControl(target: Target, context: Context): Promise<Control> {
  const control = new Control(target, context);
  try {
    await control.connect();
    if (asksForTls(control, target, context)) await startTls(control, context);
    const began = performance.now();
    await logIn(control, target, context);
    control.loginMs = performance.now() - began;
    if (control.connection.secure) await protectData(control, target, context);
    // RFC 2640, 3.1: pathnames are UTF-8. Servers of Windows want to be told.
    if ((await control.feature("UTF8")) !== undefined) await control.ask("OPTS UTF8 ON");
    return control;
  } catch (thrown) {
    control.drop();
    throw thrown;
  }
}

/**
 * AUTH TLS is asked for when the user says so. Unsaid, a user's login asks for it, away from this machine: an
 * anonymous one has nothing to hide, and many servers that offer TLS have no certificate to be trusted.
 */
function asksForTls(control: Control, target: Target, context: Context): boolean {
  if (target.tls !== "upgrade") return false;
  const { starttls } = context.policy;
  if (starttls !== undefined) return starttls !== "never";
  const { user } = target.url;
  return user !== undefined && user !== ANYBODY.user && !control.connection.loopback;
}

async function startTls(control: Control, context: Context): Promise<void> {
  const reply = await control.useTLS();
  if (reply.code === 234 || context.policy.starttls !== "require") return;
  throw new PortholeError("tls", "the server does not offer TLS", {
    reply: wordsOf(reply),
    hint: "without --starttls require the session goes on in clear",
  });
}

async function logIn(control: Control, target: Target, context: Context): Promise<void> {
  const { user, password } =
    (await context.credentials({
      connection: control.connection,
      fallback: ANYBODY,
      // A user without a password: a person may be asked for it.
      required: target.url.user !== undefined,
    })) ?? ANYBODY;
  refuseControls(user, "the user name");
  refuseControls(password, "the password");
  try {
    await control.login(octetsOf(user), octetsOf(password));
  } catch (thrown) {
    if (thrown instanceof FTPError) throw refusal(thrown);
    throw thrown;
  }
}

/** PBSZ and PROT (RFC 4217, 9). */
async function protectData(control: Control, target: Target, context: Context): Promise<void> {
  await control.ask("PBSZ 0");
  const reply = await control.ask("PROT P");
  control.protectedData = reply.code === 200;
  if (control.protectedData) return;
  if (target.tls === "always" || context.policy.starttls === "require") {
    throw new PortholeError("tls", "the server would send files and listings in clear", {
      reply: wordsOf(reply),
    });
  }
  context.warn("the server protects the login alone: files and listings go in clear");
}
