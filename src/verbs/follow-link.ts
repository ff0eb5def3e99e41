/** What stands behind a symbolic link of a tree, and whether a walk goes there. */
import { PortholeError } from "../errors.js";
import type { Entry } from "../plugin.js";
import type { Door } from "./doors.js";
import { DEEPEST_LINK, type FollowRule, isWithin, placeIn } from "./links.js";
import type { Found, Waiting, Walked } from "./walk.js";

/** What stands behind a link, or why nobody goes there. @throws PortholeError what ends the session */
export async function followLink(
  door: Door,
  { names, path, entry }: Found,
  { real: folder, chain }: Waiting,
  rule: FollowRule,
): Promise<{ readonly walked: Walked; readonly into?: Waiting }> {
  const passed = (why: string): { walked: Walked } => ({ walked: { kind: "passed", entry, why, names } });
  const real = await rule.behind(folder, path, entry);
  if (real !== undefined && !rule.outside && !isWithin(real, rule.top)) {
    return passed("a link that leads out of what is mirrored (--outside-links follows it)");
  }
  const led = await behindLink(door, path, entry);
  if (led === undefined) return passed("a link to nothing");
  if (real !== undefined && rule.never !== undefined && isWithin(real, rule.never)) {
    return passed("a link that leads to the target");
  }
  const { size, modified, kind } = led;
  if (kind === "file") {
    const { size: _own, modified: _date, ...rest } = entry;
    const facts = {
      ...(size === undefined ? {} : { size }),
      ...(modified === undefined ? {} : { modified }),
    };
    const found = {
      names,
      path,
      entry: { ...rest, kind, ...facts },
      isContainer: false,
      followed: true,
    } as const;
    return { walked: { kind: "found", found } };
  }
  if (kind !== "directory") return passed("a link to neither file nor folder");
  const places = [...chain, folder];
  if (real !== undefined && places.some((place) => isWithin(place, real))) {
    return passed("a link to a folder that it lies in");
  }
  if (places.length > DEEPEST_LINK) return passed(`a link behind ${DEEPEST_LINK} others`);
  const within = path.endsWith("/") ? path : `${path}/`;
  return {
    walked: {
      kind: "found",
      found: { names, path: within, entry: { ...entry, kind }, isContainer: true, followed: true },
    },
    // Where nobody tells, the place is told apart by its own name.
    into: { path: within, names, real: real ?? placeIn(folder, names.at(-1) ?? ""), chain: places },
  };
}

/** What a read of the link would give, or a listing; undefined for one that leads to nothing. */
async function behindLink(door: Door, path: string, listed: Entry): Promise<Entry | undefined> {
  const leadsTo = (entry: Entry) =>
    typeof entry.meta["leadsTo"] === "string" ? entry.meta["leadsTo"] : undefined;
  let entry = listed;
  if (leadsTo(listed) === undefined) {
    try {
      entry = (await door.use(async (session) => session.stat?.(path))) ?? listed;
    } catch (thrown) {
      if (thrown instanceof PortholeError && ["missing", "refused"].includes(thrown.code)) return undefined;
      throw thrown;
    }
  }
  if (entry.kind !== "link") return entry;
  const led = leadsTo(entry);
  if (led === "nothing" || led === undefined) return undefined;
  return { ...entry, kind: led === "file" || led === "directory" ? led : "other" };
}
