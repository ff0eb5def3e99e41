/** Which version this is. */

declare const PORTHOLE_VERSION: string | undefined;

/** From package.json, put in by the build; `dev` when the sources run as they are. */
export function readVersion(): string {
  return typeof PORTHOLE_VERSION === "string" ? PORTHOLE_VERSION : "dev";
}
