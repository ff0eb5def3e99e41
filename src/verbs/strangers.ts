/** Messages at the target that nothing remembers, each of which may be one of the source's. */
import type { Entry } from "../plugin.js";
import { messageId, messageMark, sizesAgree } from "./marks.js";
import type { Found } from "./walk.js";

type Side = ReadonlyMap<string, Found>;
type Remembered = ReadonlyMap<string, { readonly [key: string]: unknown }>;

/**
 * Whether both sides have messages of which nothing is remembered, and one of them does not tell what they are known by:
 * then headers must be read.
 */
export function wantMarks(source: Side, target: Side, known: Remembered): boolean {
  const [here, there] = [unremembered(source, target, known), unrememberedAt(source, target, known)];
  return (
    here.length > 0 && there.length > 0 && [...here, ...there].some((one) => messageMark(one) === undefined)
  );
}

/** Messages of the source that are not known to be at the target. */
function unremembered(source: Side, target: Side, known: Remembered): Entry[] {
  const there = new Set([...target.values()].map(({ entry }) => entry.url));
  return [...source].flatMap(([key, { entry, isContainer }]) => {
    const url = known.get(key)?.["url"];
    return isContainer || (typeof url === "string" && there.has(url)) ? [] : [entry];
  });
}

/** Messages of the target that are not known to be of the source. */
function unrememberedAt(source: Side, target: Side, known: Remembered): Entry[] {
  const remembered = new Set([...known].flatMap(([key, { url }]) => (source.has(key) ? [url] : [])));
  return [...target.values()].flatMap(({ entry, isContainer }) =>
    isContainer || remembered.has(entry.url) ? [] : [entry],
  );
}

export class Strangers {
  readonly #byMark = new Map<string, Entry[]>();
  /** How many of the source are known by a mark. */
  readonly #wanted = new Map<string, number>();

  /** @param entry a message at the target */
  add(entry: Entry): void {
    const mark = messageMark(entry);
    if (mark !== undefined) this.#byMark.set(mark, [...(this.#byMark.get(mark) ?? []), entry]);
  }

  /** @param entry a message of the source that may be asked for */
  expect(entry: Entry): void {
    const mark = messageMark(entry);
    if (mark !== undefined) this.#wanted.set(mark, (this.#wanted.get(mark) ?? 0) + 1);
  }

  /**
   * The one that is this message, which then belongs to nobody else. Two mails may have one Message-ID: then it is the
   * size that tells which of them is there. To take one for the other would lose one; to carry one again does not.
   */
  take(entry: Entry): Entry | undefined {
    const mark = messageMark(entry) ?? "";
    const alike = this.#byMark.get(mark) ?? [];
    const isAlone = alike.length === 1 && (this.#wanted.get(mark) ?? 0) <= 1;
    const found =
      alike.find((one) => sizesAgree(entry, one) === "well") ??
      alike.find((one) => sizesAgree(entry, one) === "nearly") ??
      (messageId(entry) === undefined
        ? undefined
        : alike.find((one) => isAlone || sizesAgree(entry, one) === "unknown"));
    if (found !== undefined) alike.splice(alike.indexOf(found), 1);
    return found;
  }
}
