/** What the bench uses of a package that brings no types. */
declare module "simple-yenc" {
  /** @param text one character for each octet, without header, trailer and line ends */
  export function decode(text: string): Uint8Array;
}
