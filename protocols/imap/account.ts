/** The way to the account, its mailboxes and their names. */
import { PortholeError } from "../../src/errors.js";
import { Way } from "../../src/net/way.js";
import type { Context, Target } from "../../src/plugin.js";
import { Listed } from "./listed.js";
import { logIn } from "./login.js";
import { meet } from "./meet.js";
import { decodeMailboxName } from "./modified-utf7.js";
import type { MailPath } from "./path.js";
import type { Peer, Selected } from "./peer.js";
import { refusal } from "./refusal.js";
import { textOf } from "./values.js";
import { quoted } from "./words.js";

export class Account {
  readonly target: Target;
  readonly context: Context;
  readonly listed = new Listed();
  readonly #way: Way<Peer>;
  /** Names that are no modified UTF-7, and whether the server has a mailbox of that name. */
  readonly #broken = new Map<string, boolean>();
  /** Whom the login was for, where there was one. */
  #user: string | undefined;

  private constructor(peer: Peer, target: Target, context: Context) {
    this.target = target;
    this.context = context;
    this.#way = new Way(peer, {
      meet: () => meet(target, context),
      pass: (old) => old.dialogue.ask("NOOP"),
      leave: (old) => old.dialogue.close(),
      note: (text) => context.note(text),
    });
  }

  get user(): string | undefined {
    return this.#user;
  }

  /** Greets, and logs in when the user gave credentials; where none are needed (`capability`), nobody is asked for them. */
  static async open(target: Target, context: Context): Promise<Account> {
    const peer = await meet(target, context);
    const account = new Account(peer, target, context);
    try {
      await account.#logIn(peer, target.url.user !== undefined);
      return account;
    } catch (thrown) {
      await peer.dialogue.close();
      throw thrown;
    }
  }

  greeted(): Promise<Peer> {
    return this.#way.reached();
  }

  /** The same, logged in. @throws PortholeError `auth` */
  async peer(): Promise<Peer> {
    const peer = await this.greeted();
    await this.#logIn(peer, true);
    return peer;
  }

  /** The server that a mailbox is selected at. @throws PortholeError `missing` when there is none, or its UIDs are others now */
  async select(path: MailPath, mode: "read" | "write"): Promise<{ peer: Peer; selected: Selected }> {
    const peer = await this.peer();
    const raw = await this.rawName(peer, path.levels);
    let selected = peer.selected;
    if (selected?.raw !== raw || (mode === "write" && selected.readOnly)) {
      selected = await open(peer, raw, mode);
    }
    if (mode === "write" && selected.readOnly) {
      throw new PortholeError("refused", "the mailbox is for reading alone");
    }
    if (path.uidValidity !== undefined && path.uidValidity !== selected.uidValidity) {
      throw new PortholeError("missing", "the mailbox was made anew: its messages have other UIDs now", {
        hint: "`ls` shows what there is",
        reply: `UIDVALIDITY ${selected.uidValidity ?? "none"}`,
      });
    }
    return { peer, selected };
  }

  /** A mailbox's name as the server has it, one character for each octet. */
  async rawName(peer: Peer, levels: readonly string[]): Promise<string> {
    if (levels.length === 0) {
      throw new PortholeError("usage", "the account is no mailbox", { hint: "name one: /INBOX" });
    }
    const parting = levels.length === 1 ? "" : ((await this.delimiter(peer)) ?? "/");
    const [first = "", ...rest] = levels;
    const top = /^inbox$/i.test(first) ? "INBOX" : first;
    const name = [top, ...rest].join(parting);
    return (await this.#brokenName(peer, [top, ...rest], parting)) ?? peer.rawName(name);
  }

  /**
   * The name as it is listed where it is no modified UTF-7: such names are shown as they are, and lead back to their
   * mailbox, when the server has one of that name. Undefined for all others.
   */
  async #brokenName(peer: Peer, levels: readonly string[], parting: string): Promise<string | undefined> {
    if (!levels.some((level) => level.includes("&"))) return undefined;
    const raw = levels
      .map((level) => (peer.shownName(level) === level ? level : peer.rawName(level)))
      .join(parting);
    if (!/^[\x20-\x7e]*$/.test(raw) || raw === peer.rawName(levels.join(parting))) return undefined;
    let isThere = this.#broken.get(raw);
    if (isThere === undefined) {
      isThere = false;
      const answer = peer.dialogue.say({
        words: ["LIST", '""', quoted(raw)],
        takes: ({ name }) => name === "LIST",
      });
      for await (const { values } of answer.data()) isThere ||= textOf(values[2]) === raw;
      await answer.status();
      this.#broken.set(raw, isThere);
    }
    return isThere ? raw : undefined;
  }

  /** What parts the levels of names; null where there is nothing. Asked for once. */
  async delimiter(peer: Peer): Promise<string | null> {
    if (peer.delimiter !== undefined) return peer.delimiter;
    const answer = peer.dialogue.say({ words: ["LIST", '""', '""'], takes: ({ name }) => name === "LIST" });
    for await (const data of answer.data()) peer.delimiter = textOf(data.values[1]) ?? null;
    peer.delimiter ??= null;
    return peer.delimiter;
  }

  /** The levels of a name that the server sent. */
  levelsOf(peer: Peer, raw: string, delimiter: string | null): string[] {
    const levels = delimiter === null || delimiter === "" ? [raw] : raw.split(delimiter);
    return levels.map((level) => peer.shownName(level));
  }

  leftEarly(): void {
    this.#way.leftEarly();
  }

  /** Ends this connection at once: more comes over it than anybody wants. The next call makes another. */
  drop(): void {
    this.#way.partner?.connection.destroy();
  }

  /** Closes this connection; the next call makes another. */
  rest(): Promise<void> {
    return this.#way.rest();
  }

  close(): Promise<void> {
    return this.#way.close();
  }

  async #logIn(peer: Peer, required: boolean): Promise<void> {
    if (peer.loggedIn) return;
    const { context } = this;
    const credentials: Context["credentials"] = async (request) => {
      const given = await context.credentials(request);
      this.#user = given?.user;
      return given;
    };
    await logIn(peer, this.target, { ...context, credentials }, required);
    if (peer.loggedIn && !peer.compressed) await compress(peer, this.context);
  }
}

/** COMPRESS (RFC 4978). Within this machine it takes time and saves none. */
async function compress(peer: Peer, context: Context): Promise<void> {
  const wanted = context.options["compress"] ?? "auto";
  if (wanted === "never" || (wanted === "auto" && peer.connection.loopback)) return;
  if (!peer.capabilities.has("COMPRESS=DEFLATE")) {
    if (wanted === "auto") return;
    throw new PortholeError("refused", "the server does not compress", {
      hint: "leave out --compress always",
    });
  }
  const answer = peer.dialogue.say({ words: ["COMPRESS", "DEFLATE"], alone: true, switches: true });
  const status = await answer.status();
  if (status.condition === "OK") {
    peer.dialogue.startDeflate();
    peer.compressed = true;
    return;
  }
  if (wanted === "always") throw refusal(status, "the server refused to compress");
  context.note("the server offers to compress and refuses it; going on as it is");
}

/** SELECT or EXAMINE (RFC 9051, 6.3.2). */
async function open(peer: Peer, raw: string, mode: "read" | "write"): Promise<Selected> {
  const selected: Selected = {
    raw,
    readOnly: mode === "read",
    uidValidity: undefined,
    uidNext: undefined,
    exists: 0,
    highestModSeq: undefined,
    permanentFlags: undefined,
  };
  peer.selected = selected;
  const condstore = peer.capabilities.has("CONDSTORE") || peer.capabilities.has("QRESYNC");
  const status = await peer.dialogue
    .say({
      words: [
        mode === "read" ? "EXAMINE" : "SELECT",
        peer.mailboxWord(raw),
        ...(condstore ? ["(CONDSTORE)"] : []),
      ],
      alone: true,
      takes: ({ name }) => name === "EXISTS",
    })
    .status();
  if (status.condition !== "OK") {
    peer.selected = undefined;
    throw refusal(status, `the mailbox ${decodeMailboxName(raw)} cannot be opened`, "missing");
  }
  const opened = { ...selected, readOnly: mode === "read" || status.code === "READ-ONLY" };
  peer.selected = opened;
  return opened;
}
