package io.asktell;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which trials to list; all conditions hold together. Immutable.
 *
 * @param states any of these; empty = all
 * @param workerId exactly this worker; empty = all
 * @param labels all of these
 */
public record TrialFilter(List<TrialState> states, String workerId, Map<String, String> labels) {

  /** Copies the list and the map. */
  public TrialFilter {
    states = List.copyOf(states);
    labels = Map.copyOf(labels);
  }

  /** All trials. */
  public static TrialFilter all() {
    return new TrialFilter(List.of(), "", Map.of());
  }

  /** Only trials in one of these states. */
  public TrialFilter inStates(TrialState... wanted) {
    return new TrialFilter(List.of(wanted), workerId, labels);
  }

  /** Only trials of exactly this worker. */
  public TrialFilter ofWorker(String id) {
    return new TrialFilter(states, id, labels);
  }

  /** Only trials with this label. */
  public TrialFilter withLabel(String key, String value) {
    Map<String, String> more = new LinkedHashMap<>(labels);
    more.put(key, value);
    return new TrialFilter(states, workerId, more);
  }

  io.asktell.v1.TrialFilter encode() {
    io.asktell.v1.TrialFilter.Builder wire =
        io.asktell.v1.TrialFilter.newBuilder().setWorkerId(workerId).putAllLabels(labels);
    states.forEach(
        state -> wire.addStates(io.asktell.v1.TrialState.valueOf("TRIAL_STATE_" + state.name())));
    return wire.build();
  }
}
