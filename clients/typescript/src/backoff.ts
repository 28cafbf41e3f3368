import { setTimeout as delay } from "node:timers/promises";

const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/** Jittered, exponential delays, so that the clients of a restarted server do not come back in step. */
export class Backoff {
  #last = 0;

  /** Never less than the server's hint. */
  next(hintMs = 0): number {
    this.#last = Math.min(LONGEST_MS, Math.max(FIRST_MS, 2 * this.#last));
    return Math.max(jitter(this.#last, 0.5, 1), jitter(hintMs, 1, 1.1));
  }

  reset(): void {
    this.#last = 0;
  }
}

/** A random delay between two multiples of the given one. */
export function jitter(ms: number, low: number, high: number): number {
  return ms * (low + (high - low) * Math.random());
}

/** Waits; rejects with the signal's reason when that comes first. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
  signal?.throwIfAborted(); // with the reason that was given, not an AbortError of the timer's
}
