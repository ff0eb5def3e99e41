/** What tells of a message: its beginning, where its header stands. */
import { HEADER_OCTETS } from "./message-entry.js";

/** The beginning of a message that is being written. */
export class Head {
  readonly #blocks: Uint8Array[] = [];
  #size = 0;

  add(block: Uint8Array): void {
    const room = HEADER_OCTETS - this.#size;
    if (room <= 0) return;
    this.#blocks.push(Buffer.from(block.subarray(0, room)));
    this.#size += Math.min(room, block.length);
  }

  get octets(): Buffer {
    return Buffer.concat(this.#blocks);
  }
}
