package io.asktell;

/**
 * A parameter of a kind that is newer than this client. It comes out of servers only.
 *
 * @param name unique in the study
 */
public record UnknownParameter(String name) implements Parameter {}
