/** How a mail is to be delivered, beside to whom: DSN (RFC 3461), REQUIRETLS (RFC 8689), and by which commands. */
import { PortholeError } from "../../src/errors.js";
import { checkAddress } from "../../src/message/address.js";
import type { Options } from "../../src/plugin.js";
import type { Extensions } from "./extensions.js";

export type NotifyWhen = "NEVER" | "SUCCESS" | "FAILURE" | "DELAY";

export interface Delivery {
  /** When the sender wants to hear of it; NEVER stands alone. */
  readonly notify?: readonly NotifyWhen[];
  /** How much of the message comes back with a notice. */
  readonly ret?: "FULL" | "HDRS";
  /** What names the mail in a notice: printable ASCII, 100 characters at most. */
  readonly envid?: string;
  /** The recipient as the notice names it; each recipient's own address when absent. */
  readonly originalRecipient?: string;
  /** Servers on the way hand it on under TLS alone, or not at all. */
  readonly requireTls?: boolean;
  /** False: DATA, even where the server offers BDAT. */
  readonly chunking?: boolean;
}

const WHEN: readonly NotifyWhen[] = ["NEVER", "SUCCESS", "FAILURE", "DELAY"];

/** @throws PortholeError `usage` */
export function deliveryOf(options: Options): Delivery {
  const [notify, ret, envid, orcpt] = ["notify", "ret", "envid", "orcpt"].map((flag) => {
    const value = options[flag];
    return typeof value === "string" ? value : undefined;
  });
  return checkDelivery({
    ...(notify === undefined ? {} : { notify: notifyOf(notify) }),
    ...(ret === undefined ? {} : { ret: ret.toLowerCase() === "full" ? "FULL" : "HDRS" }),
    ...(envid === undefined ? {} : { envid }),
    ...(orcpt === undefined ? {} : { originalRecipient: orcpt }),
    ...(options["require-tls"] === true ? { requireTls: true } : {}),
    ...(options["chunking"] === false ? { chunking: false } : {}),
  });
}

/** @throws PortholeError `usage` for what no server could be told */
export function checkDelivery(delivery: Delivery): Delivery {
  const { notify, envid, originalRecipient } = delivery;
  if (notify?.includes("NEVER") === true && notify.length > 1) {
    throw new PortholeError("usage", "a notice cannot be wanted never and sometimes", {
      hint: "--notify never, or some of success,failure,delay",
    });
  }
  // RFC 3461, 4.4.
  if (envid !== undefined && !/^[\x21-\x7e]{1,100}$/.test(envid)) {
    throw new PortholeError("usage", "an envelope's ID has 1 to 100 printable characters without blanks");
  }
  if (originalRecipient !== undefined) checkAddress(originalRecipient, "the original recipient");
  return delivery;
}

function notifyOf(text: string): NotifyWhen[] {
  return text.split(",").map((word) => {
    const when = WHEN.find((one) => one === word.trim().toUpperCase());
    if (when !== undefined) return when;
    throw new PortholeError("usage", `--notify does not know '${word}'`, {
      hint: "never, or some of success,failure,delay",
    });
  });
}

/**
 * What MAIL says of it.
 * @throws PortholeError `refused` for a service that the server does not offer: the sender counts on it
 */
export function mailParameters(delivery: Delivery, extensions: Extensions, secure: boolean): string[] {
  const { ret, envid, requireTls } = delivery;
  if (wantsNotices(delivery) && !extensions.has("DSN")) {
    throw new PortholeError("refused", "the server sends no notices of delivery: it does not offer DSN", {
      hint: "nothing was sent; leave out --notify, --ret, --envid and --orcpt",
    });
  }
  if (requireTls === true && !secure) {
    throw new PortholeError("tls", "the mail is to travel under TLS alone, and this connection is in clear", {
      hint: "nothing was sent; --starttls require, or smtps:",
    });
  }
  if (requireTls === true && !extensions.has("REQUIRETLS")) {
    throw new PortholeError(
      "refused",
      "the server does not promise TLS on the way: it does not offer REQUIRETLS",
      {
        hint: "nothing was sent",
      },
    );
  }
  return [
    ...(ret === undefined ? [] : [`RET=${ret}`]),
    ...(envid === undefined ? [] : [`ENVID=${xtext(envid)}`]),
    ...(requireTls === true ? ["REQUIRETLS"] : []),
  ];
}

/** What RCPT says of it (RFC 3461, 4.1 and 4.2). */
export function recipientParameters(recipient: string, delivery: Delivery): string[] {
  if (!wantsNotices(delivery)) return [];
  const { notify, originalRecipient = recipient } = delivery;
  return [
    ...(notify === undefined ? [] : [`NOTIFY=${notify.join(",")}`]),
    `ORCPT=${isAscii(originalRecipient) ? `rfc822;${xtext(originalRecipient)}` : `utf-8;${utf8Text(originalRecipient)}`}`,
  ];
}

function wantsNotices({ notify, ret, envid, originalRecipient }: Delivery): boolean {
  return [notify, ret, envid, originalRecipient].some((wish) => wish !== undefined);
}

/** RFC 3461, 4: what could end the value, and `+` itself, as hexadecimal numbers. */
export function xtext(text: string): string {
  return text.replace(
    /[^!-*,-<>-~]/g,
    (one) => `+${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** RFC 6533, 3: `utf-8-addr-unitext`, with what has a meaning embedded. */
function utf8Text(text: string): string {
  return text.replace(
    /[\x00-\x20+=\\\x7f]/g,
    (one) => `\\x{${one.charCodeAt(0).toString(16).toUpperCase()}}`,
  );
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}
