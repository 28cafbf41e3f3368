package io.asktell;

/** A mistake in a study file. Its message begins with {@code file:line:column}. */
public final class StudyFileException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final int line;
  private final int column;

  StudyFileException(String file, int line, int column, String message) {
    super((line == 0 ? file : file + ":" + line + ":" + column) + ": " + message);
    this.line = line;
    this.column = column;
  }

  /** The line, from 1; 0 = not known. */
  public int line() {
    return line;
  }

  /** The column, from 1; 0 = not known. */
  public int column() {
    return column;
  }
}
