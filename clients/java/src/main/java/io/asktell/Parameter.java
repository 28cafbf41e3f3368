package io.asktell;

/**
 * One hyperparameter: its name and the values it may take.
 *
 * <p>A default, where one is given, is a value known to work: the search starts from it, and
 * enqueued trials may leave the parameter out. Whether ranges make sense is for the server to
 * judge, in the same words everywhere.
 */
public sealed interface Parameter
    permits FloatParameter,
        IntParameter,
        DiscreteParameter,
        CategoricalParameter,
        BoolParameter,
        UnknownParameter {
  /** Unique in the study. */
  String name();
}
