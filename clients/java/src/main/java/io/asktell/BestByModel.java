package io.asktell;

/**
 * The trial with the best posterior mean of a model. All numbers are in the objective's unit.
 *
 * @param trial the trial
 * @param mean what the objective is expected to be there, without noise
 * @param standardDeviation of the mean: how uncertain it is
 * @param noise standard deviation of a single result, beyond the standard errors that were told
 */
public record BestByModel(Trial trial, double mean, double standardDeviation, double noise) {}
