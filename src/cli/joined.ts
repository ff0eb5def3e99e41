/**
 * Pieces of text that come in one turn of the event loop, as one: a call of the system for each line of a listing would
 * cost more than the listing.
 */

/** Characters that are enough for one piece. */
const ENOUGH = 16_384;

/** The same text in fewer pieces. What came before a failure is given before it is thrown. */
export async function* joined(pieces: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    let next = iterator.next();
    for (;;) {
      const first = await next;
      if (first.done === true) return;
      let text = first.value;
      next = iterator.next();
      const turn = endOfTurn();
      while (text.length < ENOUGH) {
        // A failure is thrown when its turn comes, above.
        const more = await Promise.race([next.catch(() => undefined), turn]);
        if (more === undefined || more.done === true) break;
        text += more.value;
        next = iterator.next();
      }
      // Whoever leaves here does not hear of what failed meanwhile.
      next.catch(() => undefined);
      yield text;
    }
  } finally {
    await iterator.return?.();
  }
}

function endOfTurn(): Promise<undefined> {
  return new Promise((resolve) => process.nextTick(() => resolve(undefined)));
}
