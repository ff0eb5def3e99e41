/** Netscape's cookie file, which curl, wget and Python's MozillaCookieJar share: text in, cookies out, and back. */

export interface StoredCookie {
  readonly name: string;
  readonly value: string;
  /** Lower case, without a dot before it. */
  readonly domain: string;
  /** For that very host, and not for those beneath it. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  /** Absent: until the session ends. */
  readonly expires?: Date;
}

/** curl marks cookies that scripts may not see so, in what older programs take for a comment. */
const HTTP_ONLY = "#HttpOnly_";
const HEADING =
  "# Netscape HTTP Cookie File\n# Written by Porthole; curl -b and -c read and write it too.\n\n";
/** The last moment that 32-bit readers of the file know is far enough; what is beyond is written as it is. */
const SECOND = 1000;

/** Lines that are no cookie are passed over, as curl does. */
export function parseNetscapeJar(text: string): StoredCookie[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const httpOnly = line.startsWith(HTTP_ONLY);
    if (line.startsWith("#") && !httpOnly) return [];
    const fields = (httpOnly ? line.slice(HTTP_ONLY.length) : line).split("\t");
    // An empty value may have lost its tab to an editor.
    if (fields.length !== 7 && fields.length !== 6) return [];
    const [domain = "", beneath = "", path = "", secure = "", expires = "", name = "", value = ""] = fields;
    if (domain === "" || !/^-?\d+$/.test(expires)) return [];
    const seconds = Number(expires);
    return [
      {
        name,
        value,
        domain: domain.replace(/^\./, "").toLowerCase(),
        hostOnly: beneath.toUpperCase() !== "TRUE",
        path: path.startsWith("/") ? path : "/",
        secure: secure.toUpperCase() === "TRUE",
        httpOnly,
        ...(seconds > 0 ? { expires: new Date(seconds * SECOND) } : {}),
      },
    ];
  });
}

export function formatNetscapeJar(cookies: readonly StoredCookie[]): string {
  const lines = cookies
    // What has a tab or a line end cannot be written down, and no server may put a line into the file.
    .filter((cookie) => ![cookie.name, cookie.value, cookie.domain, cookie.path].some(isUnfit))
    .map(({ name, value, domain, hostOnly, path, secure, httpOnly, expires }) =>
      [
        `${httpOnly ? HTTP_ONLY : ""}${hostOnly ? "" : "."}${domain}`,
        hostOnly ? "FALSE" : "TRUE",
        path,
        secure ? "TRUE" : "FALSE",
        expires === undefined ? "0" : String(Math.max(1, Math.floor(expires.getTime() / SECOND))),
        name,
        value,
      ].join("\t"),
    );
  return HEADING + lines.map((line) => `${line}\n`).join("");
}

function isUnfit(field: string): boolean {
  return /[\t\r\n\0]/.test(field);
}
