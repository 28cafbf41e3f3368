package io.asktell;

/**
 * True or false.
 *
 * @param name unique in the study
 * @param defaultValue null = none
 */
public record BoolParameter(String name, Boolean defaultValue) implements Parameter {

  /** A parameter without a default. */
  public static BoolParameter of(String name) {
    return new BoolParameter(name, null);
  }

  /** The same with a default. */
  public BoolParameter withDefault(boolean value) {
    return new BoolParameter(name, value);
  }
}
