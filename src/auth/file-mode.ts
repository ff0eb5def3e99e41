/** Files with secrets that other people can read. */

/** True when the mode lets the group or the world read. Windows has no such modes: it tells 0o666 for every file. */
export function isExposed(mode: number): boolean {
  return (mode & 0o077) !== 0 && (mode & 0o777) !== 0o666;
}
