/** The system's keyring, when there is one: a courtesy, so it never fails and never waits long. */
import { type SecretCommandOptions, secretFromProgram } from "./secret-command.js";

export interface KeyringQuery {
  readonly scheme: string;
  readonly host: string;
  readonly user: string;
}

const PATIENCE_MS = 5000;

/** The password kept for this place, or undefined. Libsecret's attributes are those of its network schema. */
export async function keyringPassword(
  query: KeyringQuery,
  environment: Readonly<Record<string, string | undefined>>,
  platform: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const options: SecretCommandOptions = {
    what: "the keyring",
    environment,
    timeout: PATIENCE_MS,
    ...(signal === undefined ? {} : { signal }),
  };
  const { scheme, host, user } = query;
  try {
    if (platform === "darwin") {
      return await secretFromProgram(
        "security",
        ["find-internet-password", "-s", host, "-a", user, "-w"],
        options,
      );
    }
    // Without a session bus the question could start a daemon, or wait for one.
    if (environment["DBUS_SESSION_BUS_ADDRESS"] === undefined) return undefined;
    const attributes = ["protocol", scheme, "server", host, "user", user];
    return await secretFromProgram("secret-tool", ["lookup", ...attributes], options);
  } catch {
    return undefined;
  }
}
