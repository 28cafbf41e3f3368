package io.asktell;

import java.time.Duration;

/**
 * How to ask. Immutable.
 *
 * @param limit how long to wait for a trial to become available; null = for ever, zero = not at
 *     all. The calls themselves may take longer.
 * @param workerId who asks; null = the client's
 */
public record AskOptions(Duration limit, String workerId) {

  /** Waits for ever, as the client's worker. */
  public static AskOptions defaults() {
    return new AskOptions(null, null);
  }

  /** The same, with a limit on the wait. */
  public AskOptions waitAtMost(Duration wait) {
    return new AskOptions(wait, workerId);
  }

  /** The same, as another worker. */
  public AskOptions asWorker(String id) {
    return new AskOptions(limit, id);
  }
}
