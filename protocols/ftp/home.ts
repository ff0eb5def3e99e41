/**
 * The folder that the login led to, as pathnames are built from it: with slashes. Where PWD has it in another form, SYST
 * (RFC 959, 4.1.3) says whose form that is; elsewhere nothing depends on the system, and it is not asked for.
 */
import type { FTPResponse } from "basic-ftp";
import { PortholeError } from "../../src/errors.js";
import { textOf } from "./octets.js";
import { refusal, wordsOf } from "./refusal.js";

export interface Asked {
  ask(command: string): Promise<FTPResponse>;
}

/** @throws PortholeError `protocol` for an answer that names no folder, or one whose form is not known */
export async function homeOf(control: Asked): Promise<string> {
  const named = await workingFolder(control);
  if (named.startsWith("/")) return named;
  const system = await control.ask("SYST");
  const words = system.code === 215 ? system.message.slice(4) : "";
  if (/\bOS\/400\b/i.test(words)) {
    // Names with slashes instead of LIBRARY/FILE.MEMBER.
    const switched = await control.ask("SITE NAMEFMT 1");
    if (switched.code < 300) return withSlash(await workingFolder(control), words);
  }
  return withSlash(/\bVMS\b/i.test(words) ? fromVms(named) : named.replaceAll("\\", "/"), words);
}

/** RFC 959, appendix II: quotes within the name are doubled. */
async function workingFolder(control: Asked): Promise<string> {
  const reply = await control.ask("PWD");
  if (reply.code !== 257) throw refusal(reply);
  const quoted = /^257[ -]"((?:[^"]|"")*)"/.exec(reply.message)?.[1];
  const bare = /^257[ -](\/\S*)/.exec(reply.message)?.[1];
  const folder = quoted?.replaceAll('""', '"') ?? bare;
  if (folder !== undefined) return folder;
  throw new PortholeError("protocol", "the server does not say which folder it is in", {
    reply: wordsOf(reply),
  });
}

/** `DISK$USER:[GUEST.PUB]` is `/DISK$USER/GUEST/PUB`, which these servers take as well. */
function fromVms(folder: string): string {
  const [, disk, folders = ""] = /^(?:([^:[\]]+):)?\[([^\]]*)\]$/.exec(folder) ?? [];
  const names = [disk, ...folders.split(".")].filter((name) => name !== undefined && name !== "");
  return names.length === 0 ? folder : `/${names.join("/")}`;
}

/** `C:/inetpub` is beneath the root of all drives. */
function withSlash(folder: string, system: string): string {
  if (folder.startsWith("/")) return folder;
  if (folder === "" || /^[A-Za-z]:/.test(folder)) return `/${folder}`;
  throw new PortholeError(
    "protocol",
    `the server's folder is in a form that is not known: ${textOf(folder)}`,
    {
      ...(system === "" ? {} : { reply: textOf(system) }),
      hint: "write the path from the server's root: ftp://host//folder/file",
    },
  );
}
