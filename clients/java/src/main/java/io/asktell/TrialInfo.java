package io.asktell;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * A trial as a server told it.
 *
 * @param name {@code "projects/{project}/studies/{study}/trials/{number}"}
 * @param number counts from 1 in its study
 * @param state where it stands
 * @param params its configuration
 * @param origin where the configuration came from
 * @param metrics the final ones, or the last known ones of a stopped trial
 * @param reason why it is failed, infeasible, cancelled, stopped or abandoned
 * @param attempt how many times it has been started
 * @param workerId who runs or ran it
 * @param createTime when it was created
 * @param startTime when the current attempt began; null = not yet
 * @param finishTime when it ended; null = not yet
 * @param labels short values to filter by
 * @param annotations free values
 * @param prediction what the model believed when it suggested the configuration; null for other
 *     origins
 * @param amendments earlier results that corrections replaced, oldest first
 * @param supersededResults late results of other attempts
 * @param importKey the caller's key of an imported trial
 * @param measurementCount how many measurements have been reported
 * @param measurements they are there after {@link Study#trial} and {@link Trial#refresh} only
 */
public record TrialInfo(
    String name,
    long number,
    TrialState state,
    Params params,
    Origin origin,
    Metrics metrics,
    String reason,
    int attempt,
    String workerId,
    Instant createTime,
    Instant startTime,
    Instant finishTime,
    Map<String, String> labels,
    Map<String, String> annotations,
    Prediction prediction,
    List<Amendment> amendments,
    List<SupersededResult> supersededResults,
    String importKey,
    int measurementCount,
    List<Measurement> measurements) {

  static TrialInfo decode(io.asktell.v1.Trial wire) {
    return new TrialInfo(
        wire.getName(),
        wire.getNumber(),
        Enums.of(TrialState.class, wire.getState(), "TRIAL_STATE_"),
        Wire.params(wire.getParametersMap()),
        Enums.of(Origin.class, wire.getOrigin(), "ORIGIN_"),
        Wire.metrics(wire.getMetricsMap()),
        wire.getReason(),
        wire.getAttempt(),
        wire.getWorkerId(),
        Wire.time(wire.hasCreateTime(), wire.getCreateTime()),
        Wire.time(wire.hasStartTime(), wire.getStartTime()),
        Wire.time(wire.hasFinishTime(), wire.getFinishTime()),
        wire.getLabelsMap(),
        wire.getAnnotationsMap(),
        Prediction.decode(wire.hasPrediction(), wire.getPrediction()),
        wire.getAmendmentsList().stream().map(Amendment::decode).toList(),
        wire.getSupersededResultsList().stream().map(SupersededResult::decode).toList(),
        wire.getImportKey(),
        wire.getMeasurementCount(),
        wire.getMeasurementsList().stream().map(Measurement::decode).toList());
  }
}
