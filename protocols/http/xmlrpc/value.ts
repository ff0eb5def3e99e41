/** The values of XML-RPC (xmlrpc.com/spec, with the nil and i8 that everybody has added). */

export type XmlRpcValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | XmlRpcDateTime
  | XmlRpcDouble
  | Uint8Array
  | readonly XmlRpcValue[]
  | { readonly [member: string]: XmlRpcValue };

/** A date and time without a zone, as the specification has it: `20240301T08:30:15`. */
export class XmlRpcDateTime {
  /** As it stands on the wire. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** In UTC. */
  static from(date: Date): XmlRpcDateTime {
    const [iso = ""] = date.toISOString().split(".");
    return new XmlRpcDateTime(iso.replace(/-/g, ""));
  }

  /** What the clock showed, taken for UTC unless the text has a zone of its own; invalid when it is no date. */
  toDate(): Date {
    const iso = this.toString();
    return new Date(/(?:Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`);
  }

  /** As ISO 8601 is usually written: `2024-03-01T08:30:15`. */
  toString(): string {
    return this.text.trim().replace(/^(\d{4})-?(\d\d)-?(\d\d)T?/, "$1-$2-$3T");
  }
}

/** A number that goes out as a double though it is whole. */
export class XmlRpcDouble {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** What the server refused with (faultCode and faultString). */
export interface XmlRpcFault {
  readonly code: number;
  readonly text: string;
}
