package io.asktell;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/** Decides whether a stored study is the one that a program wants. */
final class Existing {
  private Existing() {}

  static Study open(Session session, io.asktell.v1.Study wanted, io.asktell.v1.Study stored) {
    // Compared as decoded values, not as messages: a default that the server wrote out is no
    // difference.
    StudySpec mine = SpecCodec.decode(wanted);
    StudySpec theirs = SpecCodec.decode(stored);
    Set<String> fixed = fixedDifferences(mine, theirs, wanted);
    if (!fixed.isEmpty()) {
      throw new StudyExistsException(
          new Failure(
              stored.getName()
                  + " exists with another "
                  + String.join(", ", fixed)
                  + ": choose another name, or delete it first",
              "ALREADY_EXISTS",
              "STUDY_EXISTS",
              Map.of("name", stored.getName()),
              Duration.ZERO,
              null));
    }
    Set<String> changeable = changeableDifferences(mine, theirs);
    if (!changeable.isEmpty()) {
      Session.LOGGER.log(
          Level.WARNING,
          "{0} exists with other rules, which stay as they are (update changes them): {1}",
          stored.getName(),
          changeable);
    }
    return new Study(session, stored);
  }

  /**
   * What differs and can never be changed. What was left out of the wanted study is no difference.
   */
  private static Set<String> fixedDifferences(
      StudySpec mine, StudySpec theirs, io.asktell.v1.Study wanted) {
    Set<String> found = new LinkedHashSet<>();
    Set<String> parameters = differingParameters(mine.space(), theirs.space());
    note(found, "space " + parameters, parameters.isEmpty());
    note(found, "objectives", mine.objectives().equals(theirs.objectives()));
    note(found, "metrics", Set.copyOf(mine.metrics()).equals(Set.copyOf(theirs.metrics())));
    note(found, "algorithm", mine.algorithm().equals(theirs.algorithm()));
    note(
        found,
        "lease",
        !wanted.getLeasePolicy().hasLeaseDuration() || mine.lease().equals(theirs.lease()));
    note(
        found,
        "max_attempts",
        wanted.getLeasePolicy().getMaxAttempts() == 0
            || mine.maxAttempts() == theirs.maxAttempts());
    note(
        found,
        "replicates",
        wanted.getReplicates() == 0 || mine.replicates() == theirs.replicates());
    note(found, "seed", mine.seed() == null || mine.seed().equals(theirs.seed()));
    return found;
  }

  private static Set<String> changeableDifferences(StudySpec mine, StudySpec theirs) {
    Set<String> found = new LinkedHashSet<>();
    note(found, "max_trials", Objects.equals(mine.maxTrials(), theirs.maxTrials()));
    note(found, "target", Objects.equals(mine.target(), theirs.target()));
    note(found, "patience", Objects.equals(mine.patience(), theirs.patience()));
    note(found, "deadline", Objects.equals(mine.deadline(), theirs.deadline()));
    note(found, "max_running", mine.maxRunning() == theirs.maxRunning());
    note(
        found,
        "max_staleness",
        mine.maxStaleness() == null || mine.maxStaleness().equals(theirs.maxStaleness()));
    return found;
  }

  private static void note(Set<String> found, String name, boolean same) {
    if (!same) {
      found.add(name);
    }
  }

  /** Names of parameters that are not the same; their order is for tables only. */
  private static Set<String> differingParameters(List<Parameter> mine, List<Parameter> theirs) {
    Map<String, Parameter> left = byName(mine);
    Map<String, Parameter> right = byName(theirs);
    Set<String> names = new TreeSet<>(left.keySet());
    names.addAll(right.keySet());
    names.removeIf(name -> Objects.equals(left.get(name), right.get(name)));
    return names;
  }

  private static Map<String, Parameter> byName(List<Parameter> space) {
    Map<String, Parameter> named = new LinkedHashMap<>();
    space.forEach(parameter -> named.put(parameter.name(), parameter));
    return named;
  }
}
