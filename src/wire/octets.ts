/** The octets that line-based protocols are made of. */

export const LF = 0x0a;
export const CR = 0x0d;
export const DOT = 0x2e;
