/** Octets that come in pieces, as a terminal may show them: decoded as UTF-8, what would act made visible. */
import { safeText } from "./safe.js";

export class HarmlessStream {
  readonly #decoder = new TextDecoder("utf-8");
  /** A CR that waits for its LF. */
  #held = "";

  text(octets: Uint8Array): string {
    const text = this.#held + this.#decoder.decode(octets, { stream: true });
    this.#held = text.endsWith("\r") ? "\r" : "";
    return safeText(this.#held === "" ? text : text.slice(0, -1));
  }
}
