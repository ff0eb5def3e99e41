/** The folders above a place. */
import type { Control } from "./control.js";
import type { FtpPath } from "./path.js";

/**
 * Makes those that are not there. What the server says is no failure yet: it is the last folder that counts, and a
 * folder that may be entered and not made anew is refused here all the same.
 */
export async function makeParents(control: Control, place: FtpPath): Promise<void> {
  const names = place.octets.split("/").slice(0, -1);
  for (let count = 1; count <= names.length; count++) {
    await control.ask(`MKD ${await control.pathname({ ...place, octets: names.slice(0, count).join("/") })}`);
  }
}
