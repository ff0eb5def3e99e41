/** What is missing of a document, fetched in parts and written down as it comes, so that a later run knows what is there. */
import type { Document, Progress, ReadQuery, Take } from "../plugin.js";
import type { Write } from "./blocks.js";
import { type Gap, octetsIn, partsOf } from "./gaps.js";
import type { PartialFile } from "./partial-file.js";
import { type Reader, Segments, Unfinished } from "./save-segments.js";

export interface SegmentsWanted {
  readonly count: number;
  readonly another: () => Promise<Reader>;
  readonly retries?: number;
  /** Fewer at once than wanted, and why. */
  readonly tell?: (text: string) => void;
}

export interface PartsRequest {
  readonly document: Document & { readonly total: number; readonly validator: string };
  /** In order; the document's body begins where the first does. */
  readonly gaps: readonly Gap[];
  readonly segments: SegmentsWanted | undefined;
  readonly again: (query: ReadQuery) => Promise<Document>;
  readonly partial: PartialFile;
  readonly write: Write;
  /** Keeps beside the octets which are missing. */
  readonly remember: (gaps: readonly Gap[]) => Promise<void>;
  readonly pour: (document: Document, take: Take) => Promise<void>;
  readonly progress: ((report: Progress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Octets after which it is written down what is there. */
const CHECKPOINT = 64 * 1024 * 1024;

/** A document of one connection is one part. */
const NONE: SegmentsWanted = {
  count: 1,
  another: () => Promise.reject(new Error("one connection is all")),
};

/** @throws what ended it, when `remember` has been told what is missing */
export async function pourParts(request: PartsRequest): Promise<void> {
  const { document, gaps, remember, partial, progress, segments = NONE } = request;
  const { total } = document;
  await remember(gaps);
  let done = total - octetsIn(gaps);
  let unwritten = 0;
  let writing: Promise<void> | undefined;
  const checkpoint = async () => {
    const missing = fetching.gaps;
    // What is said to be there must be there after a power cut, too.
    await partial.syncAhead();
    await remember(missing);
  };
  const fetching = new Segments({
    document,
    parts: partsOf(gaps, segments.count),
    connections: segments.count,
    another: segments.another,
    again: request.again,
    retries: segments.retries ?? 0,
    tell: segments.tell ?? (() => undefined),
    write: (block, position) => {
      const written = request.write(block, position);
      done += block.length;
      unwritten += block.length;
      progress?.({ what: document.entry.name, done, total });
      if (unwritten < CHECKPOINT || writing !== undefined) return written;
      unwritten = 0;
      writing = checkpoint().finally(() => {
        writing = undefined;
      });
      // A full disk shows in what is written next.
      writing.catch(() => undefined);
      return written;
    },
    pour: request.pour,
    signal: request.signal ?? new AbortController().signal,
  });
  try {
    await fetching.pour();
  } catch (thrown) {
    await writing?.catch(() => undefined);
    if (!(thrown instanceof Unfinished)) throw thrown;
    // The failure says more than that of a full disk, which may refuse this, too.
    await remember(thrown.gaps).catch(() => undefined);
    throw thrown.cause;
  }
  await writing?.catch(() => undefined);
}
