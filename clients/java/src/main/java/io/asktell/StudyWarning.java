package io.asktell;

/**
 * Something about a study that is allowed and usually a mistake.
 *
 * @param kind a name such as {@code "GRID_EXCEEDS_BUDGET"}
 * @param field a path from the study
 * @param message a sentence for people
 */
public record StudyWarning(String kind, String field, String message) {}
