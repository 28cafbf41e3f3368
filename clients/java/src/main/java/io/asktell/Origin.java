package io.asktell;

/** Where a configuration came from. */
public enum Origin {
  /** Not told, or newer than this client. */
  UNSPECIFIED,

  /** The space-filling start of Bayesian optimisation. */
  START,

  /** The model's acquisition function. */
  MODEL,

  /** Space-filling, because the model failed. */
  FALLBACK,

  /** A person enqueued it. */
  PERSON,

  /** It was imported with its result. */
  IMPORT,

  /** A sampler without a model: grid, random, Sobol. */
  SAMPLER
}
