import { Lease, type LeaseHolder } from "./lease.js";
import { readSettings, type ClientOptions, type Settings } from "./settings.js";
import { Transport } from "./transport.js";
import type * as v1 from "./v1.js";

/** What a client and all its handles share: the channel and the open leases. */
export class Session implements LeaseHolder {
  readonly settings: Settings;
  readonly transport: Transport;
  readonly #open = new Set<Lease>();
  #closing: Promise<void> | undefined;

  constructor(options: ClientOptions) {
    this.settings = readSettings(options);
    this.transport = new Transport(this.settings);
  }

  readonly warn = (message: string): void => {
    this.settings.warn(`asktell: ${message}`);
  };

  /** Keeps a lease alive from now on, until it is closed or lost. */
  hold(trial: v1.Trial, takenAt: number): Lease {
    const lease = new Lease(this, trial, takenAt);
    if (this.#closing === undefined) {
      this.#open.add(lease);
      void lease.keepAlive();
    } // else: an ask that was answered while the client was being closed, whose lease runs out by itself
    return lease;
  }

  readonly drop = (lease: Lease): void => {
    this.#open.delete(lease);
  };

  /**
   * Gives back the open trials whose leases would run out otherwise; those of endless leases belong to a person or a
   * slow lab, who tell them with another client.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const ended = [...this.#open].map(async (lease) => {
      if (lease.durationMs === Infinity) {
        lease.close();
      } else {
        await lease.giveBack();
      }
    });
    await Promise.all(ended);
    this.transport.close();
  }
}
