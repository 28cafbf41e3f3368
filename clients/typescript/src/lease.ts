import { setTimeout as delay } from "node:timers/promises";

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
  isOpen = true;
  isLost = false;
  stopReason = "";
  readonly #holder: LeaseHolder;
  readonly #interval: number;
  /** Aborted when the trial should stop. */
  readonly stopping = new AbortController();
  readonly #ended = new AbortController();
  #renewedAt: number;

  /** `takenAt` is when the Ask was sent, so that a slow answer does not lengthen the lease. */
  constructor(holder: LeaseHolder, trial: v1.Trial, takenAt: number) {
    this.#holder = holder;
    this.name = trial.name;
    this.id = trial.leaseId;
    this.#renewedAt = takenAt;
    // Both are times of the server's one clock: this machine's own may differ.
    const { startTime, leaseExpireTime: end } = trial;
    const lastsMs = end && startTime ? timestampMs(end) - timestampMs(startTime) : 0;
    this.durationMs = end ? Math.max(SHORTEST_BEAT_MS, lastsMs) : Infinity;
    this.#interval = Math.max(SHORTEST_BEAT_MS, this.durationMs / BEATS_PER_LEASE);
  }

  /** Sends heartbeats until the lease is closed or lost. Reports renew it too and put the next beat off. */
  async keepAlive(): Promise<void> {
    if (this.durationMs === Infinity) {
      return;
    }
    const { signal } = this.#ended;
    // A heartbeat alone is no reason for a program to go on (ref).
    const slept = (ms: number) => delay(Math.max(0, ms), true, { signal, ref: false }).catch(() => false);
    let failing = false;
    while (await slept(failing ? Math.min(this.#interval, FAILED_BEAT_MS) : this.#untilDue())) {
      try {
        if (this.#untilDue() <= 0) {
          await this.#beat();
        }
        failing = false;
      } catch (error) {
        if (!failing && !signal.aborted) {
          this.#holder.warn(`heartbeat of ${this.name} failed: ${String(error)}`); // an outage is one warning
        }
        failing = true;
      }
    }
  }

  #untilDue(): number {
    return this.#renewedAt + this.#interval - performance.now();
  }

  /** A report without metrics. */
  async #beat(): Promise<void> {
    const sentAt = performance.now();
    const timeoutMs = Math.min(LONGEST_BEAT_MS, Math.max(1_000, this.#interval));
    const [request, options] = [
      { name: this.name, leaseId: this.id },
      { signal: this.#ended.signal, timeoutMs },
    ];
    try {
      this.heard(await this.#holder.transport.unary(v1.TrialService.method.report, request, options), sentAt);
    } catch (error) {
      if (!(error instanceof NotFoundError)) {
        throw error;
      }
      this.stopping.abort(); // the trial or its study has been deleted
      this.isLost = true;
      this.#ended.abort();
    }
  }

  /** Takes over what the server said to a report that was sent at `sentAt`. */
  heard(answer: v1.ReportResponse, sentAt: number): void {
    if (!this.isOpen) {
      return;
    }
    this.#renewedAt = sentAt;
    this.stopReason = answer.stopReason;
    if (answer.shouldStop) {
      this.stopping.abort();
    }
    if (!answer.leaseValid) {
      this.isLost = true;
      this.#ended.abort(); // there is nothing left to renew
    }
  }

  /** Ends the lease on this side. */
  close(): void {
    this.isOpen = false;
    this.#ended.abort();
    this.#holder.drop(this);
  }

  /** Gives the trial back and closes the lease. It warns where no server answers: the lease then runs out by itself. */
  async giveBack(): Promise<void> {
    const isOver = !this.isOpen || this.isLost;
    this.close();
    if (isOver) {
      return;
    }
    const [request, options] = [{ name: this.name, leaseId: this.id }, { timeoutMs: RELEASE_TIMEOUT_MS }];
    try {
      await this.#holder.transport.unary(v1.TrialService.method.releaseTrial, request, options);
    } catch (error) {
      if (!(error instanceof AsktellError)) {
        throw error;
      }
      // Somebody else having ended it is no failure.
      if (!(error instanceof FailedPreconditionError || error instanceof NotFoundError)) {
        this.#holder.warn(`${this.name} could not be given back: ${error.message}`);
      }
    }
  }
}
