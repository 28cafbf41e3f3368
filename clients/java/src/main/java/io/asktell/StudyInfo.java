package io.asktell;

import java.time.Instant;
import java.util.List;

/**
 * A study as a server told it.
 *
 * @param name {@code "projects/{project}/studies/{study}"}
 * @param spec what it was created with, as changed since, with the defaults filled in
 * @param state where it stands
 * @param finishReason why it is finished
 * @param counts how many trials are in which state
 * @param warnings about what is allowed and usually a mistake
 * @param createTime when it was created
 * @param updateTime when the study itself, not its trials, last changed
 * @param finishTime when it was finished; null = not yet
 * @param etag changes with the specification or state
 * @param cursor where {@link Study#watch(String)} goes on from to see only what comes after this
 *     reading
 * @param configurationCount the number of configurations in the space; null = infinite, or more
 *     than 2^53
 */
public record StudyInfo(
    String name,
    StudySpec spec,
    StudyState state,
    FinishReason finishReason,
    TrialCounts counts,
    List<StudyWarning> warnings,
    Instant createTime,
    Instant updateTime,
    Instant finishTime,
    String etag,
    String cursor,
    Long configurationCount) {

  static StudyInfo decode(io.asktell.v1.Study wire) {
    io.asktell.v1.TrialCounts counts = wire.getTrialCounts();
    return new StudyInfo(
        wire.getName(),
        SpecCodec.decode(wire),
        Enums.of(StudyState.class, wire.getState(), "STUDY_STATE_"),
        Enums.of(FinishReason.class, wire.getFinishReason(), "FINISH_REASON_"),
        new TrialCounts(
            counts.getQueued(),
            counts.getRunning(),
            counts.getSucceeded(),
            counts.getStopped(),
            counts.getFailed(),
            counts.getInfeasible(),
            counts.getCancelled(),
            counts.getAbandoned()),
        wire.getWarningsList().stream().map(StudyInfo::warning).toList(),
        Wire.time(wire.hasCreateTime(), wire.getCreateTime()),
        Wire.time(wire.hasUpdateTime(), wire.getUpdateTime()),
        Wire.time(wire.hasFinishTime(), wire.getFinishTime()),
        wire.getEtag(),
        wire.getCursor(),
        wire.hasConfigurationCount() ? wire.getConfigurationCount() : null);
  }

  private static StudyWarning warning(io.asktell.v1.StudyWarning wire) {
    String kind = wire.getKind().name().replaceFirst("^WARNING_KIND_", "");
    return new StudyWarning(kind, wire.getField(), wire.getMessage());
  }
}
