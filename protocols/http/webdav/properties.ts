/** PROPFIND (RFC 4918, 9.1): what a folder holds, out of a 207. */
import type { Entry } from "../../../src/plugin.js";
import { type Place, urlOf } from "../redirects.js";
import { childNamed, childrenNamed, parseXml, type XmlElement } from "../xml.js";

export interface DavEntry {
  readonly entry: Entry;
  /** The place that was asked for itself. */
  readonly self: boolean;
}

export const PROPFIND_BODY = Buffer.from(
  '<?xml version="1.0" encoding="utf-8"?>\n<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/><getcontenttype/><getetag/></prop></propfind>\n',
);

/**
 * The place that was asked for, and what lies directly in it. What a server lists besides (other hosts, other folders,
 * names that are none) is passed over.
 * @throws PortholeError `protocol`
 */
export async function davEntries(octets: Buffer, place: Place): Promise<DavEntry[]> {
  const root = await parseXml(octets);
  const folder = place.path.replace(/\?.*$/s, "");
  return childrenNamed(root, "response").flatMap((response) => {
    const path = pathOf(childNamed(response, "href")?.text.trim() ?? "", place);
    if (path === undefined) return [];
    const properties = propertiesOf(response);
    const directory = properties.some((one) => isCollection(one));
    const self = decoded(withSlash(path)) === decoded(withSlash(folder));
    const name = self ? lastOf(folder) : nameIn(folder, path);
    if (name === undefined) return [];
    const text = (property: string) =>
      properties.map((one) => childNamed(one, property)?.text.trim()).find(Boolean);
    const size = Number(text("getcontentlength") ?? Number.NaN);
    const modified = new Date(text("getlastmodified") ?? Number.NaN);
    const type = text("getcontenttype");
    const etag = text("getetag");
    const entry: Entry = {
      url: urlOf({ ...place, path: directory ? withSlash(path) : path }),
      name,
      kind: directory ? "directory" : "file",
      ...(directory || !Number.isSafeInteger(size) || size < 0 ? {} : { size }),
      ...(Number.isNaN(modified.getTime()) ? {} : { modified }),
      ...(directory || type === undefined ? {} : { type }),
      meta: { dav: true, ...(etag === undefined ? {} : { etag }) },
    };
    return [{ entry, self }];
  });
}

/** Of each propstat that has status 200 (RFC 4918, 9.1.2). */
function propertiesOf(response: XmlElement): XmlElement[] {
  return childrenNamed(response, "propstat")
    .filter((one) => / 200(?: |$)/.test(childNamed(one, "status")?.text ?? " 200"))
    .flatMap((one) => childrenNamed(one, "prop"));
}

function isCollection(prop: XmlElement): boolean {
  const type = childNamed(prop, "resourcetype");
  return type !== undefined && childNamed(type, "collection") !== undefined;
}

/** RFC 4918, 8.3: a path, or a URL of this very server; its query and dots are none of ours. */
function pathOf(href: string, { origin }: Place): string | undefined {
  const [, scheme, authority, path = ""] =
    /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?(\/[^?#]*)?/i.exec(href) ?? [];
  if (path === "" || /[\x00-\x20\x7f]/.test(path)) return undefined;
  if (authority === undefined) return scheme === undefined ? path : undefined;
  const own = urlOf({ origin, path: "/" }).slice(0, -1).toLowerCase();
  return `${scheme ?? origin.scheme}://${authority}`.toLowerCase() === own ? path : undefined;
}

/** Of a multistatus (RFC 4918, 13): the first thing that failed, and how; undefined where none says so. */
export function firstFailure(root: XmlElement): string | undefined {
  for (const response of childrenNamed(root, "response")) {
    const status = /^HTTP\/\S+ ([45]\d\d.*)$/s.exec(childNamed(response, "status")?.text.trim() ?? "")?.[1];
    if (status !== undefined) {
      return `${decoded(childNamed(response, "href")?.text.trim() ?? "")}: ${status.trim()}`;
    }
  }
  return undefined;
}

/** The name of what lies directly in a folder, undefined for all else. */
function nameIn(folder: string, path: string): string | undefined {
  const [parent, child] = [decoded(withSlash(folder)), decoded(path)];
  if (!child.startsWith(parent)) return undefined;
  const raw = path.replace(/\/$/, "").split("/").at(-1) ?? "";
  const name = decoded(raw);
  if (child.slice(parent.length).replace(/\/$/, "") !== name) return undefined;
  return name === "" || name === "." || name === ".." || name.includes("/") ? undefined : name;
}

function lastOf(path: string): string {
  return decoded(path.replace(/\/+$/, "").split("/").at(-1) ?? "") || "/";
}

export function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
