package io.asktell;

import java.util.List;

/**
 * What came of an import.
 *
 * @param trials one for each past result, in order; those that were there before as they stand
 * @param added how many are new
 */
public record ImportResult(List<Trial> trials, int added) {}
