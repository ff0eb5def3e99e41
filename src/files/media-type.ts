/** Files tell no media types; their names do, for the kinds that people look at. */

const TYPES: Readonly<Record<string, string>> = {
  "7z": "application/x-7z-compressed",
  asc: "application/pgp-signature",
  avif: "image/avif",
  bmp: "image/bmp",
  bz2: "application/x-bzip2",
  css: "text/css",
  csv: "text/csv",
  doc: "application/msword",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  eml: "message/rfc822",
  eps: "application/postscript",
  epub: "application/epub+zip",
  flac: "audio/flac",
  gif: "image/gif",
  gz: "application/gzip",
  htm: "text/html",
  html: "text/html",
  ics: "text/calendar",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript",
  json: "application/json",
  log: "text/plain",
  m4a: "audio/mp4",
  mbox: "application/mbox",
  md: "text/markdown",
  mid: "audio/midi",
  mkv: "video/matroska",
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  mpeg: "video/mpeg",
  mpg: "video/mpeg",
  odt: "application/vnd.oasis.opendocument.text",
  oga: "audio/ogg",
  ogg: "audio/ogg",
  ogv: "video/ogg",
  opus: "audio/ogg",
  p7m: "application/pkcs7-mime",
  p7s: "application/pkcs7-signature",
  pdf: "application/pdf",
  png: "image/png",
  ps: "application/postscript",
  rtf: "application/rtf",
  sh: "application/x-sh",
  svg: "image/svg+xml",
  tar: "application/x-tar",
  text: "text/plain",
  tgz: "application/gzip",
  tif: "image/tiff",
  tiff: "image/tiff",
  toml: "application/toml",
  ts: "text/plain",
  txt: "text/plain",
  vcf: "text/vcard",
  wav: "audio/wav",
  webm: "video/webm",
  webp: "image/webp",
  xml: "application/xml",
  xz: "application/x-xz",
  yaml: "application/yaml",
  yml: "application/yaml",
  zip: "application/zip",
  zst: "application/zstd",
};

const EXTENSIONS: ReadonlyMap<string, string> = new Map(
  [
    "asc",
    "bmp",
    "css",
    "csv",
    "eml",
    "gif",
    "html",
    "ics",
    "jpg",
    "json",
    "md",
    "mp3",
    "mp4",
    "ogg",
    "p7m",
    "p7s",
    "pdf",
    "png",
  ]
    .concat(["rtf", "svg", "tar", "tiff", "txt", "vcf", "wav", "webm", "webp", "xml", "zip"])
    .map((extension) => [TYPES[extension] ?? "", extension]),
);

/** The media type of a file by the end of its name, or undefined. */
export function mediaTypeOf(name: string): string | undefined {
  const ending = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase();
  // README and its like are text by custom.
  if (ending === undefined)
    return /^(?:README|LICENSE|CHANGELOG|INSTALL|NEWS|COPYING|Makefile)$/.test(name)
      ? "text/plain"
      : undefined;
  return Object.hasOwn(TYPES, ending) ? TYPES[ending] : undefined;
}

/** What a file of this type ends in, with its dot; empty when not known. */
export function extensionOf(type: string): string {
  if (type === "message/rfc822") return ".eml";
  const extension = EXTENSIONS.get(type);
  return extension === undefined ? "" : `.${extension}`;
}
