package io.asktell;

import java.util.Map;

/** How configurations are found. */
public sealed interface Algorithm {

  /** The server chooses: a few space-filling trials, then Bayesian optimisation. */
  record Auto() implements Algorithm {}

  /** Only configurations that a person enqueues. */
  record Manual() implements Algorithm {}

  /**
   * Every point of a grid, once (or {@link StudySpec#replicates} times).
   *
   * @param defaultLevels number of points of each parameter without levels of its own; 0 = 5
   * @param levels numbers of points by parameter name, 2 to 1,000
   */
  record Grid(int defaultLevels, Map<String, Integer> levels) implements Algorithm {
    /** Copies the map. */
    public Grid {
      levels = Map.copyOf(levels);
    }

    /** A grid with the server's number of levels. */
    public Grid() {
      this(0, Map.of());
    }
  }

  /** Independent uniform draws, after the scale is applied. */
  record Random() implements Algorithm {}

  /** A scrambled Sobol sequence: random search without clumps. */
  record Sobol() implements Algorithm {}

  /**
   * A Gaussian process and log expected improvement.
   *
   * @param startTrials space-filling trials before the model takes over; 0 = 5
   */
  record Bayesian(int startTrials) implements Algorithm {}
}
