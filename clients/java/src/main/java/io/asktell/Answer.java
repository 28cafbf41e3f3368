package io.asktell;

import java.util.List;

/**
 * The answer of a call about several trials.
 *
 * @param trials handles of its trials, in the order of the answer
 * @param message the answer itself, with all its fields
 * @param <M> the message's type
 */
public record Answer<M>(List<Trial> trials, M message) {}
