package io.asktell;

/** Which differences of a number count as equal steps. */
public enum Scale {
  /** Equal differences matter equally. */
  LINEAR,

  /** Equal ratios matter equally. For learning rates and the like. */
  LOG,

  /** Resolves values near the maximum. For momentum and the like; floats only. */
  REVERSE_LOG
}
