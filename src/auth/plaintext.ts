/** The rule for passwords in clear. */

export interface Transport {
  /** TLS is on. */
  readonly secure: boolean;
  /** The other end is this machine, or a socket on it. */
  readonly loopback: boolean;
}

export interface SecretUse {
  /** The user said `--allow-plaintext-auth`. */
  readonly allowPlaintextAuth: boolean;
  /** The mechanism proves the password without sending it. */
  readonly concealed?: boolean;
}

/** Whether a password may be used there: over TLS, to this machine, by a mechanism that conceals it, or by the user's word. */
export function mayTravel(transport: Transport, use: SecretUse): boolean {
  return transport.secure || transport.loopback || use.concealed === true || use.allowPlaintextAuth;
}
