/** What a file is besides its octets: its time, and who may do what with it. */
import { PortholeError } from "../../src/errors.js";
import type { Control } from "./control.js";
import { refusal } from "./refusal.js";

/** `0644`, `755`. @throws PortholeError `usage`, `missing`, `refused` */
export async function setMode(control: Control, pathname: string, mode: string): Promise<void> {
  if (!/^[0-7]{3,4}$/.test(mode)) {
    throw new PortholeError("usage", `'${mode}' is no mode`, { hint: "write it in octal: 644" });
  }
  const reply = await control.ask(`SITE CHMOD ${mode} ${pathname}`);
  if (reply.code >= 300) throw refusal(reply, "missing");
}

/**
 * The time of last change, by MFMT; by MDTM with a time, which many servers took before there was MFMT; or by SITE
 * UTIME. A server that can none of them keeps its own time.
 * @returns whether the server took it
 */
export async function setTime(control: Control, pathname: string, time: Date): Promise<boolean> {
  if (Number.isNaN(time.getTime()) || time.getUTCFullYear() > 9999 || time.getUTCFullYear() < 1) return false;
  const digits = time
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace(/[-T:]/g, "");
  const ways: string[] = [];
  if ((await control.feature("MFMT")) !== undefined) ways.push(`MFMT ${digits} ${pathname}`);
  else if ((await control.feature("MDTM")) !== undefined) ways.push(`MDTM ${digits} ${pathname}`);
  ways.push(`SITE UTIME ${digits} ${pathname}`);
  for (const command of ways) {
    const reply = await control.ask(command);
    if (reply.code < 300) return true;
  }
  return false;
}
