package io.asktell;

/**
 * A configuration to run.
 *
 * @param params a value for each parameter
 * @param origin where it came from
 * @param prediction what the model believes about it; null without a model
 */
public record Suggestion(Params params, Origin origin, Prediction prediction) {}
