package io.asktell;

import io.asktell.v1.CreateStudyRequest;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The text of a study file, the YAML format that all clients and the command line share. The server
 * reads it; a mistake in it is an {@link AsktellException.InvalidArgumentException} whose message
 * says where: {@code study.yaml:4:17: parameters.x.min: …}.
 *
 * @param source its name, for messages; empty = none
 * @param text the YAML; at most 1 MiB
 * @param studyId the study's id in place of the name in the text; empty = the name in the text
 */
public record StudyFile(String source, String text, String studyId) {

  /**
   * Loads a file.
   *
   * @throws IOException when it cannot be read, or is not UTF-8
   */
  public static StudyFile load(Path file) throws IOException {
    try {
      return of(file.toString(), Files.readString(file));
    } catch (CharacterCodingException broken) {
      throw new IOException(file + ": the text is not UTF-8", broken);
    }
  }

  /** A text that is, for example, a resource of the program. */
  public static StudyFile of(String source, String text) {
    return new StudyFile(source, text, "");
  }

  /** The same text for a study with another id. */
  public StudyFile withId(String id) {
    return new StudyFile(source, text, id);
  }

  CreateStudyRequest.Builder request() {
    return CreateStudyRequest.newBuilder().setStudyFile(text).setStudyId(studyId);
  }
}
