import { timestampMs } from "@bufbuild/protobuf/wkt";

import { AsktellError, FailedPreconditionError, NotFoundError } from "./errors.js";
import type { Transport } from "./transport.js";
import * as v1 from "./v1.js";

const BEATS_PER_LEASE = 3;
const SHORTEST_BEAT_MS = 200;
const LONGEST_BEAT_MS = 10_000; // how long one heartbeat may take
const FAILED_BEAT_MS = 2_000; // a failed one is tried again soon, not an interval later
const RELEASE_TIMEOUT_MS = 3_000; // a program that ends should end

/** What a lease needs of the session that it belongs to. */
export interface LeaseHolder {
  readonly transport: Transport;
  readonly warn: (message: string) => void;
  readonly drop: (lease: Lease) => void;
}

/** A worker's hold on a trial: closed by a result, lost when the server says so. */
export class Lease {
  readonly name: string;
  readonly id: string;
  /** Infinity = for ever. */
  readonly durationMs: number;
  readonly #holder: LeaseHolder;
  readonly #stopping = new AbortController();
  readonly #ended = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #renewedAt: number;
  #closed = false;
  #lost = false;
  #failing = false;
  #stopReason = "";

  /** `takenAt` is when the Ask was sent, so that a slow answer does not lengthen the lease. */
  constructor(holder: LeaseHolder, trial: v1.Trial, takenAt: number) {
    this.#holder = holder;
    this.name = trial.name;
    this.id = trial.leaseId;
    this.#renewedAt = takenAt;
    // Both are times of the server's one clock: this machine's own may differ.
    const { startTime, leaseExpireTime: end } = trial;
    this.durationMs = end
      ? Math.max(SHORTEST_BEAT_MS, startTime ? timestampMs(end) - timestampMs(startTime) : 0)
      : Infinity;
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  get isLost(): boolean {
    return this.#lost && !this.#closed;
  }

  /** Aborted when the trial should stop. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  get stopReason(): string {
    return this.#stopReason;
  }

  /** Sends heartbeats until the lease is closed or lost. Reports renew it too and put the next beat off. */
  keepAlive(): void {
    if (this.durationMs !== Infinity) {
      this.#schedule(this.#untilDue());
    }
  }

  #schedule(ms: number): void {
    if (!this.#ended.signal.aborted) {
      this.#timer = setTimeout(() => void this.#tick(), Math.max(0, ms));
      this.#timer.unref(); // a heartbeat alone is no reason for a program to go on
    }
  }

  async #tick(): Promise<void> {
    if (this.#untilDue() <= 0) {
      try {
        await this.#beat();
        this.#failing = false;
      } catch (error) {
        if (this.#ended.signal.aborted) {
          return;
        }
        if (!this.#failing) {
          this.#holder.warn(`heartbeat of ${this.name} failed: ${String(error)}`); // an outage is one warning
        }
        this.#failing = true;
        this.#schedule(Math.min(this.#interval, FAILED_BEAT_MS));
        return;
      }
    }
    this.#schedule(this.#untilDue());
  }

  get #interval(): number {
    return Math.max(SHORTEST_BEAT_MS, this.durationMs / BEATS_PER_LEASE);
  }

  #untilDue(): number {
    return this.#renewedAt + this.#interval - performance.now();
  }

  /** A report without metrics. */
  async #beat(): Promise<void> {
    const sentAt = performance.now();
    const timeoutMs = Math.min(LONGEST_BEAT_MS, Math.max(1_000, this.#interval));
    const request = { name: this.name, leaseId: this.id };
    try {
      const options = { signal: this.#ended.signal, timeoutMs };
      this.heard(await this.#holder.transport.unary(v1.TrialService.method.report, request, options), sentAt);
    } catch (error) {
      if (!(error instanceof NotFoundError)) {
        throw error;
      }
      this.#stopping.abort(); // the trial or its study has been deleted
      this.#lose();
    }
  }

  /** Takes over what the server said to a report that was sent at `sentAt`. */
  heard(answer: v1.ReportResponse, sentAt: number): void {
    if (this.#closed) {
      return;
    }
    this.#renewedAt = sentAt;
    this.#stopReason = answer.stopReason;
    if (answer.shouldStop) {
      this.#stopping.abort();
    }
    if (!answer.leaseValid) {
      this.#lose();
    }
  }

  #lose(): void {
    this.#lost = true;
    this.#endBeats(); // there is nothing left to renew
  }

  /** Ends the lease on this side. */
  close(): void {
    this.#closed = true;
    this.#endBeats();
    this.#holder.drop(this);
  }

  #endBeats(): void {
    clearTimeout(this.#timer);
    this.#ended.abort();
  }

  /** Gives the trial back and closes the lease. It warns where no server answers: the lease then runs out by itself. */
  async giveBack(): Promise<void> {
    const needed = this.isOpen && !this.#lost;
    this.close();
    if (!needed) {
      return;
    }
    const request = { name: this.name, leaseId: this.id };
    try {
      await this.#holder.transport.unary(v1.TrialService.method.releaseTrial, request, {
        timeoutMs: RELEASE_TIMEOUT_MS,
      });
    } catch (error) {
      // Somebody else having ended it is no failure.
      const ended = error instanceof FailedPreconditionError || error instanceof NotFoundError;
      if (!(error instanceof AsktellError)) {
        throw error;
      }
      if (!ended) {
        this.#holder.warn(`${this.name} could not be given back: ${error.message}`);
      }
    }
  }
}
