package io.asktell;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Jittered, exponential delays, so that the clients of a restarted server do not come back in step.
 */
final class Backoff {
  private static final Duration FIRST = Duration.ofMillis(100);
  private static final Duration LONGEST = Duration.ofSeconds(5);

  private Duration last = Duration.ZERO;

  /** The next delay: never less than the server's hint. */
  Duration next(Duration hint) {
    last = min(LONGEST, max(FIRST, last.multipliedBy(2)));
    return max(jitter(last, 0.5, 1.0), jitter(hint, 1.0, 1.1));
  }

  void reset() {
    last = Duration.ZERO;
  }

  static Duration jitter(Duration delay, double low, double high) {
    double factor = low + (high - low) * ThreadLocalRandom.current().nextDouble();
    return Duration.ofNanos((long) (delay.toNanos() * factor));
  }

  static Duration min(Duration one, Duration other) {
    return one.compareTo(other) <= 0 ? one : other;
  }

  static Duration max(Duration one, Duration other) {
    return one.compareTo(other) >= 0 ? one : other;
  }
}
