/** A folder of this machine that a hole was mirrored to: it opens as the menu that it begins with. */
import { PortholeError } from "../errors.js";
import type { Session, Target } from "../plugin.js";
import { KEPT_MENU } from "../text/kept-menu.js";
import { type Doors, isNear } from "./doors.js";

/** The path of the menu; undefined for every other folder. */
export async function keptMenuIn(
  doors: Doors,
  target: Target,
  session: Session,
): Promise<string | undefined> {
  if (session.read === undefined || !isNear(doors, target)) return undefined;
  const path = `${target.path.replace(/\/+$/, "")}/index.html`;
  try {
    const { body } = await session.read(path, { offset: 0, length: KEPT_MENU.length });
    let text = "";
    for await (const piece of body) text += Buffer.from(piece).toString("latin1");
    return text === KEPT_MENU ? path : undefined;
  } catch (thrown) {
    if (thrown instanceof PortholeError) return undefined;
    throw thrown;
  }
}
