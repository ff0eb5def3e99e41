/** Where the person has been, newest last: for completion, the page of history and the next run. */
import { replace, textOf } from "./bookmarks.js";

export interface Been {
  readonly url: string;
  readonly title: string;
}

const MOST = 500;

export class History {
  readonly #path: string | undefined;
  #places: Been[] = [];
  #changed = false;

  /** @param path absent: nothing is kept beyond this run */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  get places(): readonly Been[] {
    return this.#places;
  }

  /** @throws PortholeError `local` */
  async load(): Promise<void> {
    if (this.#path === undefined) return;
    const lines = (await textOf(this.#path)).split("\n").slice(-MOST);
    this.#places = lines.flatMap((line) => {
      const [url = "", title = ""] = line.split("\t");
      return url === "" ? [] : [{ url, title }];
    });
  }

  add(url: string, title: string): void {
    this.#places = [
      ...this.#places.filter((place) => place.url !== url),
      { url, title: title.replace(/[\t\n]/g, " ") },
    ].slice(-MOST);
    this.#changed = true;
  }

  /** @throws PortholeError `local` */
  async save(): Promise<void> {
    if (this.#path === undefined || !this.#changed) return;
    await replace(this.#path, this.#places.map(({ url, title }) => `${url}\t${title}\n`).join(""));
  }
}
