/** Bookmarks: a plain file that people edit, one a line, `URL name`; a line that begins with `#` is a heading. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { localError, systemCode } from "../errors.js";
import { makeFolders } from "../files/make-folders.js";

export type BookmarkLine =
  | { readonly kind: "bookmark"; readonly url: string; readonly name: string }
  | { readonly kind: "heading"; readonly text: string };

/** Octets that are read of the file. */
const LONGEST = 4 * 1024 * 1024;

export function parseBookmarks(text: string): BookmarkLine[] {
  const lines: BookmarkLine[] = [];
  for (const line of text.slice(0, LONGEST).split("\n")) {
    const [, heading] = /^#+\s*(.*)$/.exec(line.trim()) ?? [];
    if (heading !== undefined) lines.push({ kind: "heading", text: heading });
    else {
      const [, url, name = ""] = /^\s*(\S+)\s*(.*?)\s*$/.exec(line) ?? [];
      if (url !== undefined) lines.push({ kind: "bookmark", url, name: name === "" ? url : name });
    }
  }
  return lines;
}

export function formatBookmark(url: string, name: string): string {
  const plain = name.replace(/\s+/g, " ").trim();
  return `${url.replace(/\s/g, "%20")} ${plain}\n`;
}

/** The file; all that is in it stays as its owner wrote it. */
export class BookmarkFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** @throws PortholeError `local` */
  async read(): Promise<BookmarkLine[]> {
    return parseBookmarks(await textOf(this.path));
  }

  /** @returns false when it is there already @throws PortholeError `local` */
  async add(url: string, name: string): Promise<boolean> {
    const text = await textOf(this.path);
    if (parseBookmarks(text).some((line) => line.kind === "bookmark" && line.url === url)) return false;
    const ended = text === "" || text.endsWith("\n") ? text : `${text}\n`;
    await replace(this.path, ended + formatBookmark(url, name));
    return true;
  }

  /** @throws PortholeError `local` */
  async remove(url: string): Promise<void> {
    const kept = (await textOf(this.path)).split("\n").filter((line) => {
      const [only] = parseBookmarks(line);
      return only?.kind !== "bookmark" || only.url !== url;
    });
    await replace(this.path, kept.join("\n"));
  }
}

/** What is not there is empty. @throws PortholeError `local` */
export async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return "";
    throw localError(thrown, path);
  }
}

/** Whole or not at all, for its owner alone: where somebody has been is nobody's business. */
export async function replace(path: string, text: string): Promise<void> {
  try {
    makeFolders(dirname(path), 0o700);
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
  } catch (thrown) {
    throw localError(thrown, path);
  }
}
