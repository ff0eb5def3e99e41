/** The one list of protocols. A new one is a folder under protocols/ and a line here. */
import { manifest as ftp } from "../protocols/ftp/manifest.js";
import { manifest as gopher } from "../protocols/gopher/manifest.js";
import { manifest as http } from "../protocols/http/manifest.js";
import { manifest as imap } from "../protocols/imap/manifest.js";
import { manifest as local } from "../protocols/local/manifest.js";
import { manifest as nntp } from "../protocols/nntp/manifest.js";
import { manifest as pop3 } from "../protocols/pop3/manifest.js";
import { manifest as smtp } from "../protocols/smtp/manifest.js";
import { manifest as socket } from "../protocols/socket/manifest.js";
import { manifest as telnet } from "../protocols/telnet/manifest.js";
import type { Manifest, Scheme } from "./plugin.js";

/** In the order of the table that people see. */
export const MANIFESTS: readonly Manifest[] = [
  http,
  nntp,
  ftp,
  smtp,
  pop3,
  imap,
  telnet,
  gopher,
  socket,
  local,
];

export interface SchemeRow {
  readonly manifest: Manifest;
  readonly scheme: Scheme;
}

/** Which protocol speaks which scheme. Plugins found by name are added with `register`. */
export class Registry {
  readonly #manifests: Manifest[] = [];
  readonly #schemes = new Map<string, SchemeRow>();

  constructor(manifests: readonly Manifest[] = MANIFESTS) {
    for (const manifest of manifests) this.register(manifest);
  }

  /** @throws Error when a scheme or a name is taken: two owners would be a fault in the program, not in its use. */
  register(manifest: Manifest): void {
    if (this.named(manifest.name)) throw new Error(`two protocols are named ${manifest.name}`);
    for (const [name, scheme] of Object.entries(manifest.schemes)) {
      const owner = this.#schemes.get(name);
      if (owner) throw new Error(`${manifest.name} and ${owner.manifest.name} both claim ${name}:`);
      this.#schemes.set(name, { manifest, scheme });
    }
    this.#manifests.push(manifest);
  }

  get manifests(): readonly Manifest[] {
    return this.#manifests;
  }

  get schemes(): readonly string[] {
    return [...this.#schemes.keys()];
  }

  named(name: string): Manifest | undefined {
    return this.#manifests.find((manifest) => manifest.name === name);
  }

  forScheme(scheme: string): SchemeRow | undefined {
    return this.#schemes.get(scheme);
  }
}
