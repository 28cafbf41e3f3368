package io.asktell;

/** Whether less or more of an objective is better. */
public enum Goal {
  /** Less is better: loss, perplexity. */
  MINIMIZE,

  /** More is better: accuracy. */
  MAXIMIZE
}
