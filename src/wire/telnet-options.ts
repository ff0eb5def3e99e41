/**
 * Which options are on, at either end: the Q method (RFC 1143). It answers each offer once, never a state that holds
 * already, and so cannot be drawn into a loop, whatever the other side does.
 */
import { PortholeError } from "../errors.js";
import { TELNET_OPTION, type TelnetVerb, telnetOffer } from "./telnet.js";

/** `us`: we do it (they say DO); `them`: they do it (they say WILL). */
export type TelnetSide = "us" | "them";

export interface OptionChange {
  readonly side: TelnetSide;
  readonly option: number;
  readonly on: boolean;
}

/** RFC 1143, 7; `opposite`: the queue bit. */
interface Standing {
  state: "no" | "yes" | "want-no" | "want-yes";
  opposite: boolean;
}

/** Offers without a word of ours between them after which the other side is taken to be at fault. */
const MOST_OFFERS = 4096;

export class TelnetOptions {
  readonly #willing: (side: TelnetSide, option: number) => boolean;
  readonly #standings = { us: new Map<number, Standing>(), them: new Map<number, Standing>() };
  #offers = 0;

  /** @param willing whether an option that the other side asks for, or offers, is agreed to */
  constructor(willing: (side: TelnetSide, option: number) => boolean) {
    this.#willing = willing;
  }

  /** Something was sent that is no answer to an offer: what comes now may answer it, and is no loop. */
  spoken(): void {
    this.#offers = 0;
  }

  isOn(side: TelnetSide, option: number): boolean {
    return this.#standings[side].get(option)?.state === "yes";
  }

  /** All that is on. */
  get on(): readonly { readonly side: TelnetSide; readonly option: number }[] {
    return (["us", "them"] as const).flatMap((side) =>
      [...this.#standings[side]]
        .filter(([, { state }]) => state === "yes")
        .map(([option]) => ({ side, option })),
    );
  }

  /**
   * An offer from the other side. @returns what to answer, if anything, and what changed
   * @throws PortholeError `protocol` when they come without end
   */
  receive(verb: TelnetVerb, option: number): { reply?: Buffer; change?: OptionChange } {
    this.#offers += 1;
    if (this.#offers > MOST_OFFERS) {
      throw new PortholeError("protocol", `the other side made more than ${MOST_OFFERS} offers of options`);
    }
    const side: TelnetSide = verb === "will" || verb === "wont" ? "them" : "us";
    const yes = verb === "will" || verb === "do";
    // A timing mark is no state: it is answered each time, when all before it is done (RFC 860).
    if (option === TELNET_OPTION.TIMING_MARK && side === "us") {
      return yes ? { reply: telnetOffer("will", option) } : {};
    }
    return yes ? this.#agreed(side, option) : this.#declined(side, option);
  }

  /** Asks the other side for a change. @returns what to send, if anything */
  request(side: TelnetSide, option: number, on: boolean): Buffer | undefined {
    const standing = this.#standing(side, option);
    const pending = on ? "want-yes" : "want-no";
    switch (standing.state) {
      case on ? "no" : "yes":
        standing.state = pending;
        return this.#answer(side, on, option);
      case on ? "want-no" : "want-yes":
        standing.opposite = true;
        return undefined;
      case pending:
        standing.opposite = false;
        return undefined;
      default:
        return undefined;
    }
  }

  /** They say WILL, or DO. */
  #agreed(side: TelnetSide, option: number): { reply?: Buffer; change?: OptionChange } {
    const standing = this.#standing(side, option);
    const { opposite } = standing;
    switch (standing.state) {
      case "no":
        if (!this.#willing(side, option)) return { reply: this.#answer(side, false, option) };
        standing.state = "yes";
        return { reply: this.#answer(side, true, option), change: { side, option, on: true } };
      case "yes":
        return {};
      case "want-no":
        // Their answer to our no is a yes, which is a fault (RFC 1143, 7).
        standing.state = opposite ? "yes" : "no";
        standing.opposite = false;
        return { change: { side, option, on: opposite } };
      case "want-yes":
        standing.state = opposite ? "want-no" : "yes";
        standing.opposite = false;
        return opposite
          ? { reply: this.#answer(side, false, option) }
          : { change: { side, option, on: true } };
    }
  }

  /** They say WONT, or DONT. */
  #declined(side: TelnetSide, option: number): { reply?: Buffer; change?: OptionChange } {
    const standing = this.#standing(side, option);
    const { opposite } = standing;
    standing.opposite = false;
    switch (standing.state) {
      case "no":
        return {};
      case "yes":
        standing.state = "no";
        return { reply: this.#answer(side, false, option), change: { side, option, on: false } };
      case "want-no":
        standing.state = opposite ? "want-yes" : "no";
        return opposite
          ? { reply: this.#answer(side, true, option) }
          : { change: { side, option, on: false } };
      case "want-yes":
        standing.state = "no";
        return { change: { side, option, on: false } };
    }
  }

  #answer(side: TelnetSide, on: boolean, option: number): Buffer {
    if (side === "us") return telnetOffer(on ? "will" : "wont", option);
    return telnetOffer(on ? "do" : "dont", option);
  }

  #standing(side: TelnetSide, option: number): Standing {
    const known = this.#standings[side].get(option);
    if (known !== undefined) return known;
    const fresh: Standing = { state: "no", opposite: false };
    this.#standings[side].set(option, fresh);
    return fresh;
  }
}
