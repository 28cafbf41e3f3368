package io.asktell;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** What a client and all its handles share: the channel, the heartbeats and the open leases. */
final class Session {
  static final System.Logger LOGGER = System.getLogger("io.asktell");

  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration RECONNECT = Duration.ofSeconds(1);

  final Settings settings;
  final ManagedChannel channel;
  final Calls calls;

  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(Session::daemon);
  private final Set<Lease> open = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean closed = new AtomicBoolean();

  Session(Settings settings) {
    this.settings = settings;
    this.channel = Channels.open(settings);
    this.calls = new Calls(settings, channel);
    followState();
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "asktell-heartbeats");
    thread.setDaemon(true); // a program that forgets to close its client still ends
    return thread;
  }

  /** Does the work later; never, when the client is closed by then. */
  void schedule(Runnable work, Duration delay) {
    try {
      timer.schedule(work, Math.max(0, delay.toNanos()), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException closedMeanwhile) {
      LOGGER.log(Level.DEBUG, "closed: nothing more is scheduled");
    }
  }

  // gRPC's own delay between two attempts to connect cannot be set. It grows to two minutes, far
  // more than the restart of a server takes.
  private void followState() {
    ConnectivityState state = channel.getState(false);
    if (state == ConnectivityState.SHUTDOWN) {
      return;
    }
    if (state == ConnectivityState.TRANSIENT_FAILURE) {
      schedule(this::reconnect, Backoff.jitter(RECONNECT, 0.5, 1.0));
    } else {
      channel.notifyWhenStateChanged(state, this::followState);
    }
  }

  private void reconnect() {
    channel.resetConnectBackoff();
    followState();
  }

  /** Keeps a lease alive from now on, until it is closed or lost. */
  void keepAlive(Lease lease) {
    if (closed.get()) { // meanwhile: the lease runs out by itself
      lease.close();
      return;
    }
    open.add(lease);
    lease.keepAlive();
  }

  void drop(Lease lease) {
    open.remove(lease);
  }

  boolean isClosed() {
    return closed.get();
  }

  /**
   * Gives back the open trials whose leases would run out otherwise. Trials with endless leases
   * belong to a person or a slow lab, who tell their results with another client.
   */
  void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    timer.shutdownNow();
    long giveUp = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
    List<Lease> leases = new ArrayList<>(open);
    boolean reachable = true;
    for (Lease lease : leases) {
      // When no server answers for one, none will answer for the others.
      reachable = reachable && System.nanoTime() < giveUp;
      if (reachable && !lease.isEndless()) {
        reachable = lease.giveBack();
      }
      lease.close();
    }
    channel.shutdownNow();
    try {
      if (!channel.awaitTermination(1, TimeUnit.SECONDS)) {
        LOGGER.log(Level.DEBUG, "the connections are still closing");
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
