/**
 * Stands in for the package string-width inside yargs (see scripts/build.mjs): help is plain ASCII, so its
 * width is its length without colour codes.
 */
export default function stringWidth(text: string): number {
  return text.replace(/\x1b\[[0-9;]*m/g, "").length;
}
