/** From a target to a control connection that is ready for work: TLS, login, protection of the data. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Credentials, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { Control } from "./control.js";
import { namesIn } from "./names.js";
import { octetsOf } from "./octets.js";
import { Refusal, refusal, wordsOf } from "./refusal.js";

/** RFC 1635: anybody may come in under this name; a mail address is asked for, and none is given. */
const ANYBODY: Credentials = { user: "anonymous", password: "anonymous@", kind: "password" };
/** Seconds of silence before NOOP, unless the user says otherwise. */
const KEEP_ALIVE_S = 60;

/** @throws PortholeError `connect`, `tls`, `auth` and what the dialer throws */
export async function openControl(target: Target, context: Context): Promise<Control> {
  const control = new Control(target, context);
  const { options } = context;
  try {
    control.names = await namesIn(wordOf(options["filename-charset"]));
    await control.connect();
    if (asksForTls(control, target, context)) await startTls(control, context);
    await chooseHost(control, wordOf(options["virtual-host"]));
    const began = performance.now();
    await logIn(control, target, context);
    control.loginMs = performance.now() - began;
    await protectData(control, target, context);
    await clearCommands(control, context);
    // What a path is named from, and octets as they are, will be wanted: they come with the features.
    const features = control.featureLines();
    if (/^\/(?!\/|%2f)./i.test(target.path)) {
      void control.home();
      control.useType("I").catch(() => {});
    }
    await features;
    // RFC 2640, 3.1: pathnames are UTF-8. Servers of Windows want to be told.
    if (wordOf(options["filename-charset"]) === undefined && (await control.feature("UTF8")) !== undefined) {
      await control.ask("OPTS UTF8 ON");
    }
    const seconds = options["keep-alive"];
    control.keepAlive(typeof seconds === "number" ? seconds : KEEP_ALIVE_S);
    return control;
  } catch (thrown) {
    control.drop();
    throw thrown;
  }
}

function wordOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
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

/** HOST (RFC 7151): which of several servers at one address is meant; before the login, under TLS where there is any. */
async function chooseHost(control: Control, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const reply = await control.ask(`HOST ${octetsOf(name)}`);
  if (reply.code < 300) return;
  throw new PortholeError("refused", "the server does not take HOST, or has no such name", {
    reply: wordsOf(reply),
    hint: "leave out --virtual-host, or name another",
  });
}

/** USER, PASS and ACCT, each when the answer to the one before asks for it (RFC 959, 5.4). */
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
  let reply = await control.ask(`USER ${octetsOf(user)}`);
  if (reply.code === 331) reply = await control.ask(`PASS ${octetsOf(password)}`);
  const account = wordOf(context.options["account"]);
  if (reply.code === 332 && account !== undefined) {
    context.mask(account);
    refuseControls(account, "the account");
    reply = await control.ask(`ACCT ${octetsOf(account)}`);
  }
  if (reply.code >= 300) throw refusal(reply);
}

/** PBSZ and PROT (RFC 4217, 9). In clear there is nothing to protect data with. */
async function protectData(control: Control, target: Target, context: Context): Promise<void> {
  const level = wordOf(context.options["prot"])?.toUpperCase();
  if (!control.connection.secure) {
    if (level !== "P") return;
    throw new PortholeError("usage", "--prot P wants TLS", { hint: "use ftps: or --starttls require" });
  }
  const asked = control.askTogether(["PBSZ 0", `PROT ${level ?? "P"}`]);
  const [, reply] = await asked;
  if (reply === undefined) return;
  const done = reply.code === 200;
  if (level === "C") {
    if (!done) throw new Refusal(reply, "refused", "leave out --prot C");
    context.warn("files and listings go in clear, as --prot C asks");
    return;
  }
  control.protectedData = done;
  if (done) return;
  if (target.tls === "always" || level === "P" || context.policy.starttls === "require") {
    throw new PortholeError("tls", "the server would send files and listings in clear", {
      reply: wordsOf(reply),
    });
  }
  context.warn("the server protects the login alone: files and listings go in clear");
}

/** CCC, when the user asks for it. */
async function clearCommands(control: Control, context: Context): Promise<void> {
  if (context.options["ccc"] !== true) return;
  if (!control.connection.secure) {
    throw new PortholeError("usage", "--ccc wants TLS", { hint: "use ftps: or --starttls require" });
  }
  await control.clear();
}
