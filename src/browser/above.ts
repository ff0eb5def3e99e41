/** The folder above a place, by its path alone: every protocol here parts the names in its paths by slashes. */

/**
 * @param path as in the URL, percent-encoded
 * @param folderType where a path begins with the type of what it names (Gopher): that of folders
 * @returns undefined at the top
 */
export function pathAbove(path: string, folderType?: string): string | undefined {
  // What was searched for is no place: the words go first, then the name before them.
  const place = path.replace(/[?#].*$|%09.*$/s, "");
  if (folderType !== undefined) return typedAbove(place, folderType);
  if (!place.startsWith("/")) return relativeAbove(place);
  // RFC 1738, 3.2.2: two slashes at the front are the root.
  const [, top = "/", rest = ""] = /^(\/\/?)(.*)$/s.exec(place) ?? [];
  const name = rest.replace(/\/+$/, "");
  if (name === "") return undefined;
  // With its slash, without which a web server may have another place there, or none.
  return top + name.slice(0, name.lastIndexOf("/") + 1);
}

/** `/0/texts/fog.txt` is in `/1/texts`, and `/00/texts/fog.txt`, as the first servers wrote it, in `/11/texts`. */
function typedAbove(place: string, folderType: string): string | undefined {
  const [, type = "", selector = ""] = /^\/(%..|.)(.*)$/s.exec(place) ?? [];
  const name = selector.replace(/\/+$/, "");
  if (name === "") return undefined;
  const folder = name.slice(0, Math.max(0, name.lastIndexOf("/")));
  if (folder === "" || folder === type) return "/";
  return `/${folderType}${folder.startsWith(`${type}/`) ? `${folderType}${folder.slice(type.length)}` : folder}`;
}

/** From where the program stands: `./` is in `../`. */
function relativeAbove(place: string): string {
  const names = place.split("/").filter((name) => name !== "" && name !== ".");
  if (names.length === 0 || names.at(-1) === "..") return `${[...names, ".."].join("/")}/`;
  return names.length === 1 ? "./" : `${names.slice(0, -1).join("/")}/`;
}
