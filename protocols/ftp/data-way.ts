/** How a data connection comes about: we connect to the server (EPSV, PASV), or it connects to us (EPRT, PORT). */
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Context, Target } from "../../src/plugin.js";
import type { Control } from "./control.js";
import { extendedPort, passiveAddress } from "./passive.js";
import { Refusal, refusal } from "./refusal.js";

/** Agreed on with the server, for one transfer. */
export interface DataWay {
  /**
   * May be called when the transfer's command is sent.
   * @param bulk much will come
   * @throws PortholeError
   */
  open(bulk: boolean): Promise<Connection>;
  /** It was not wanted after all, or has served. */
  close(): void;
}

export interface DataWays {
  /** Asks the server; what is sent is sent at once. */
  arrange(): Promise<DataWay>;
  /** The connection is there only after the transfer's command. */
  readonly late: boolean;
}

/** EPSV (RFC 2428, 3), and PASV where it is not known. */
export class PassiveWays implements DataWays {
  readonly late = false;
  readonly #control: Control;
  readonly #target: Target;
  readonly #context: Context;
  /** EPSV was refused. */
  #oldPassive = false;

  constructor(control: Control, target: Target, context: Context) {
    this.#control = control;
    this.#target = target;
    this.#context = context;
  }

  async arrange(): Promise<DataWay> {
    const { host, port } = await this.#place();
    return { open: (bulk) => this.#dial(host, port, bulk), close: () => {} };
  }

  async #place(): Promise<{ host: string; port: number }> {
    const { address, proxy } = this.#control.connection.facts;
    // Of a name with several addresses, the one that the control connection is at.
    const own = proxy === undefined ? (address ?? this.#target.host) : this.#target.host;
    if (!this.#oldPassive) {
      const reply = await this.#control.ask("EPSV");
      if (reply.code === 229) return { host: own, port: extendedPort(reply) };
      // 522: not for this family of addresses; PASV may be.
      if (reply.code < 500) throw refusal(reply);
      this.#oldPassive = true;
    }
    const reply = await this.#control.ask("PASV");
    if (reply.code !== 227) throw refusal(reply);
    const { host, port } = passiveAddress(reply);
    if (host === address) return { host: own, port };
    // RFC 2577, 3: an address of its choice would let a server have us connect anywhere.
    if (this.#context.options["pasv-address"] === true) return { host, port };
    this.#context.note(`PASV names ${host}; connecting to the server's own address instead`);
    return { host: own, port };
  }

  async #dial(host: string, port: number, bulk: boolean): Promise<Connection> {
    try {
      const data = await this.#context.dial({
        host,
        port,
        scheme: this.#target.url.scheme,
        purpose: "data",
        bulk,
      });
      // Whoever reads it listens; until then a reset must not go unheard as an exception.
      data.on("error", () => {});
      return data;
    } catch (thrown) {
      throw noConnection(
        thrown,
        "a firewall may shut the server's passive ports; --active has it connect here",
      );
    }
  }
}

/** EPRT (RFC 2428, 2), and PORT where it is not known: for servers whose passive ports a firewall shuts. */
export class ActiveWays implements DataWays {
  readonly late = true;
  readonly #control: Control;
  readonly #context: Context;
  #oldPort = false;

  constructor(control: Control, context: Context) {
    this.#control = control;
    this.#context = context;
  }

  async arrange(): Promise<DataWay> {
    const { localAddress, facts } = this.#control.connection;
    if (facts.proxy !== undefined || localAddress === undefined) {
      throw new PortholeError("usage", "active mode does not go through a proxy", {
        hint: "leave out --active",
      });
    }
    const host = localAddress.replace(/^::ffff:(?=\d+\.)/i, "");
    const listener = await this.#context.listen({ host, port: 0, purpose: "data", mostConnections: 2 });
    try {
      await this.#tell(host, listener.place.port);
    } catch (thrown) {
      listener.close();
      throw thrown;
    }
    const server = facts.address;
    return {
      close: () => listener.close(),
      open: async () => {
        try {
          for await (const data of listener) {
            // Whoever else connects wants what is not theirs, or has something to push on us.
            if (data.facts.address === server) return data;
            this.#context.note(`a data connection from ${data.facts.address} was refused`);
            data.destroy();
          }
          throw new PortholeError("connect", "the server did not connect", {
            hint: "a firewall or NAT may be in between; leave out --active",
          });
        } finally {
          listener.close();
        }
      },
    };
  }

  async #tell(host: string, port: number): Promise<void> {
    const isV6 = host.includes(":");
    if (!this.#oldPort) {
      const reply = await this.#control.ask(`EPRT |${isV6 ? 2 : 1}|${host.replace(/%.*$/, "")}|${port}|`);
      if (reply.code < 300) return;
      if (reply.code < 500 || isV6) throw refusal(reply);
      this.#oldPort = true;
    }
    const reply = await this.#control.ask(`PORT ${host.replaceAll(".", ",")},${port >> 8},${port & 255}`);
    if (reply.code >= 300) throw new Refusal(reply, "refused", "leave out --active");
  }
}

function noConnection(thrown: unknown, hint: string): unknown {
  if (!(thrown instanceof PortholeError) || thrown.code === "aborted") return thrown;
  return new PortholeError(thrown.code, `no data connection: ${thrown.message}`, { cause: thrown, hint });
}
