/** A folder with those that it lies in. */
import { PortholeError } from "../errors.js";
import type { Entry, Session } from "../plugin.js";
import { CONTAINERS } from "../plugin.js";

/** Codes with which a server says that there is nothing to make the folder in. */
const WITHOUT_PARENT: ReadonlySet<string> = new Set(["missing", "refused"]);

/**
 * Makes the folder, and before it what is missing above.
 * @param mayBeThere a folder that is there already is fine
 * @returns undefined when it was there already
 * @throws what `makeFolder` throws
 */
export async function makeFolders(
  session: Session,
  path: string,
  mayBeThere: boolean,
): Promise<Entry | undefined> {
  const place = path.replace(/(?<=.)\/+$/, "");
  const make = async () => session.makeFolder?.(place);
  try {
    return await make();
  } catch (thrown) {
    const there = await folderAt(session, place);
    if (there !== undefined && mayBeThere) return undefined;
    const above = place.replace(/\/[^/]*$/, "");
    const mayLackParent = thrown instanceof PortholeError && WITHOUT_PARENT.has(thrown.code);
    if (there !== undefined || !mayLackParent || above === place || /^\.{0,2}$/.test(above)) throw thrown;
    // It is there, so that was not the reason.
    if ((await folderAt(session, above)) !== undefined) throw thrown;
    await makeFolders(session, above, true);
    return await make();
  }
}

async function folderAt(session: Session, path: string): Promise<Entry | undefined> {
  try {
    const entry = await session.stat?.(path);
    return entry !== undefined && CONTAINERS.has(entry.kind) ? entry : undefined;
  } catch (thrown) {
    if (thrown instanceof PortholeError && WITHOUT_PARENT.has(thrown.code)) return undefined;
    throw thrown;
  }
}
