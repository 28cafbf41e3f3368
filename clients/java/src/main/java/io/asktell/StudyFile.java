package io.asktell;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A study's id and specification out of a YAML file, whose format all clients and the command line
 * share. Unknown keys are refused; ranges and names are left to the server to judge.
 *
 * @param id the study's id
 * @param spec its specification
 */
public record StudyFile(String id, StudySpec spec) {

  /**
   * Reads a file.
   *
   * @throws StudyFileException for a mistake in it
   * @throws IOException when it cannot be read
   */
  public static StudyFile load(Path file) throws IOException {
    return parse(file.toString(), Files.readString(file));
  }

  /**
   * Reads the text of a file that is, for example, a resource of the program.
   *
   * @param file its name, for error messages
   * @throws StudyFileException for a mistake in it
   */
  public static StudyFile parse(String file, String text) {
    return StudyFileReader.read(YamlNode.parse(file, text));
  }
}
