/** FTP tells no media types; names do, for the kinds that people look at. */

const TYPES: Readonly<Record<string, string>> = {
  txt: "text/plain",
  text: "text/plain",
  log: "text/plain",
  md: "text/markdown",
  htm: "text/html",
  html: "text/html",
  css: "text/css",
  csv: "text/csv",
  js: "text/javascript",
  json: "application/json",
  xml: "application/xml",
  pdf: "application/pdf",
  gif: "image/gif",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  svg: "image/svg+xml",
  webp: "image/webp",
  mp3: "audio/mpeg",
  ogg: "audio/ogg",
  mp4: "video/mp4",
  webm: "video/webm",
  gz: "application/gzip",
  tgz: "application/gzip",
  tar: "application/x-tar",
  zip: "application/zip",
  eml: "message/rfc822",
};

/** The media type of a file by the end of its name, or undefined. */
export function mediaTypeOf(name: string): string | undefined {
  const ending = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase();
  // README and its like are text by custom.
  if (ending === undefined)
    return /^(?:README|LICENSE|CHANGELOG|INSTALL|NEWS)$/.test(name) ? "text/plain" : undefined;
  return Object.hasOwn(TYPES, ending) ? TYPES[ending] : undefined;
}
