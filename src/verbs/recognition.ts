/** Which message of the target is which of the source: by what was remembered, by what it is known by, by what is in it. */
import { type MailDigest, mailDigest } from "./content.js";
import type { MessagesRequest } from "./mirror-messages.js";
import { isOver } from "./oversize.js";
import { isReused } from "./passing-names.js";
import { type Stranger, Strangers } from "./strangers.js";
import type { Found } from "./walk.js";

type Asked = Pick<MessagesRequest, "source" | "target" | "known" | "journal" | "pair" | "signal" | "maxSize">;

export class Recognition {
  /** Messages at the target that nothing remembered and that were found to be the source's. */
  readonly adopted = new Set<string>();
  readonly #request: Asked;
  /** Messages at the target, by their URLs. */
  readonly #there: ReadonlyMap<string, Found>;
  readonly #strangers = new Strangers();
  /** Of those that were read, by their paths. */
  readonly #digests = new Map<string, MailDigest>();
  /** Under which names the source had them once. */
  readonly #former: ReadonlyMap<string, string>;

  constructor(request: Asked, there: ReadonlyMap<string, Found>) {
    this.#request = request;
    this.#there = there;
    const { source, target, known } = request;
    // What the source has no more may be there under another name (RFC 9051, 2.3.1.1: a mailbox that was made anew).
    const remembered = new Set([...known].flatMap(([key, { url }]) => (source.has(key) ? [url] : [])));
    this.#former = new Map(
      [...known].flatMap(([key, { url }]) =>
        typeof url === "string" && !source.has(key) ? [[url, key]] : [],
      ),
    );
    for (const [key, found] of target) {
      const { url } = found.entry;
      if (found.isContainer || remembered.has(url)) continue;
      const former = this.#former.get(url);
      // Out of a mailbox that the source still has, a message was moved: it goes to where it is now.
      const brought = former !== undefined && mailboxIn(former) !== "" && !source.has(mailboxIn(former));
      this.#strangers.add({ found, mailbox: mailboxIn(key), brought, orphaned: former !== undefined });
    }
    for (const [key, { entry, isContainer }] of source) {
      if (!isContainer && this.#rememberedAt(key) === undefined) {
        this.#strangers.expect(entry, mailboxIn(key));
      }
    }
  }

  /** Where the messages are at the target, by their names; without those that are not. @throws the signal's reason */
  async urlsOf(messages: readonly (readonly [string, Found])[]): Promise<Map<string, string>> {
    const urls = new Map<string, string>();
    const request = this.#request;
    const ways: readonly ((
      key: string,
      from: Found,
    ) => Promise<Stranger | undefined> | Stranger | undefined)[] = [
      (key, { entry }) => this.#strangers.take(entry, mailboxIn(key)),
      (_, { entry }) => this.#strangers.takeMoved(entry),
      (key, from) => {
        // To look into it would be to fetch it.
        if (isOver(from.entry.size, request.maxSize)) return undefined;
        const alike = this.#strangers.alike(from.entry, mailboxIn(key));
        return alike.length === 0 ? undefined : this.#sameInside(from, alike);
      },
    ];
    for (const [key] of messages) {
      const url = this.#rememberedAt(key);
      if (url !== undefined) urls.set(key, url);
    }
    for (const way of ways) {
      for (const [key, from] of messages) {
        const found = urls.has(key) ? undefined : way(key, from);
        if (found === undefined) continue;
        const stranger = await found;
        if (stranger !== undefined) urls.set(key, await this.#adopt(key, stranger));
      }
    }
    return urls;
  }

  async #adopt(key: string, { found }: Stranger): Promise<string> {
    const { url } = found.entry;
    this.adopted.add(url);
    const { journal, known } = this.#request;
    const former = this.#former.get(url);
    if (former !== undefined && !isReused(former)) await journal?.note(former, undefined);
    // It has been there for as long as that was known by another name.
    const at = former === undefined ? undefined : known.get(former)?.["at"];
    await journal?.note(key, { url, at: typeof at === "string" ? at : new Date().toISOString() });
    return url;
  }

  /** One that headers do not tell, by what is in it. */
  async #sameInside(from: Found, alike: readonly Stranger[]): Promise<Stranger | undefined> {
    const { pair, signal } = this.#request;
    try {
      const wanted = await mailDigest(pair.from, from.path, signal);
      const digests: MailDigest[] = [];
      for (const one of alike) {
        const { path } = one.found;
        const digest = this.#digests.get(path) ?? (await mailDigest(pair.to, path, signal));
        this.#digests.set(path, digest);
        if (digest.whole === wanted.whole) return this.#strangers.give(one);
        digests.push(digest);
      }
      if (wanted.body === undefined) return undefined;
      const annotated = alike.find(
        (one, at) => digests[at]?.body === wanted.body && this.#strangers.mayBeAnnotated(from.entry, one),
      );
      return annotated === undefined ? undefined : this.#strangers.give(annotated);
    } catch (thrown) {
      // It will be carried, and what is wrong with it told then.
      if (signal.aborted) throw thrown;
    }
    return undefined;
  }

  /** Where an earlier run has put the message, and it still is. */
  #rememberedAt(key: string): string | undefined {
    const url = this.#request.known.get(key)?.["url"];
    return typeof url === "string" && this.#there.has(url) ? url : undefined;
  }
}

/** A key without its last name: the mailbox that a message is in, empty for the one at the top. */
export function mailboxIn(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf("/")));
}
