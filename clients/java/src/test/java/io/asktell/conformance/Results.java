package io.asktell.conformance;

import io.asktell.AsktellException;
import io.asktell.Change;
import io.asktell.Measurement;
import io.asktell.Metrics;
import io.asktell.Params;
import io.asktell.Study;
import io.asktell.StudyInfo;
import io.asktell.Suggestions;
import io.asktell.Trial;
import io.asktell.TrialCounts;
import io.asktell.TrialInfo;
import io.asktell.conformance.v1.Changes;
import io.asktell.conformance.v1.Done;
import io.asktell.conformance.v1.Error;
import io.asktell.conformance.v1.ErrorKind;
import io.asktell.conformance.v1.ReportedMeasurement;
import io.asktell.conformance.v1.Result;
import io.asktell.conformance.v1.TrialResult;
import io.asktell.conformance.v1.Trials;
import io.asktell.v1.Amendment;
import io.asktell.v1.Metric;
import io.asktell.v1.ParameterValue;
import io.asktell.v1.SupersededResult;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the client answered, as messages. */
final class Results {
  private Results() {}

  static Result done() {
    return Result.newBuilder().setDone(Done.getDefaultInstance()).build();
  }

  /** For what constructors and the loader of study files refuse. */
  static Result refused(IllegalArgumentException error) {
    return Result.newBuilder()
        .setError(
            Error.newBuilder()
                .setKind(ErrorKind.ERROR_KIND_REFUSED_LOCALLY)
                .setMessage(error.getMessage()))
        .build();
  }

  static Result failed(AsktellException failure) {
    return Result.newBuilder()
        .setError(
            Error.newBuilder()
                .setKind(kind(failure.getClass()))
                .setReason(failure.reason())
                .setField(failure.field())
                .setHasRetryAfter(failure.retryAfter().isPresent())
                .setMessage(failure.getMessage()))
        .build();
  }

  /** A type whose name is not in the list counts as the type that it is a kind of. */
  private static ErrorKind kind(Class<?> type) {
    if (type == AsktellException.class) {
      return ErrorKind.ERROR_KIND_OTHER;
    }
    String words =
        type.getSimpleName()
            .replaceFirst("Exception$", "")
            .replaceAll("(?<=[a-z])(?=[A-Z])", "_")
            .toUpperCase();
    for (ErrorKind kind : ErrorKind.values()) {
      if (kind.name().equals("ERROR_KIND_" + words)) {
        return kind;
      }
    }
    return kind(type.getSuperclass());
  }

  static Result study(Study study) {
    return Result.newBuilder().setStudy(encode(study.info())).build();
  }

  static Result trials(List<Trial> trials) {
    Trials.Builder wire = Trials.newBuilder();
    for (Trial trial : trials) {
      wire.addTrials(
          TrialResult.newBuilder()
              .setTrial(encode(trial.info()))
              .setShouldStop(trial.shouldStop())
              .setLeaseLost(trial.leaseLost())
              .setSuperseded(trial.superseded()));
    }
    return Result.newBuilder().setTrials(wire).build();
  }

  static Result changes(List<Change> changes) {
    Changes.Builder wire = Changes.newBuilder();
    changes.forEach(change -> wire.addChanges(encode(change)));
    return Result.newBuilder().setChanges(wire).build();
  }

  private static io.asktell.conformance.v1.Change encode(Change change) {
    io.asktell.conformance.v1.Change.Builder wire =
        io.asktell.conformance.v1.Change.newBuilder().setCursor(change.cursor());
    if (change instanceof Change.StudyChanged changed) {
      wire.setStudy(encode(changed.study()));
    } else if (change instanceof Change.TrialChanged changed) {
      wire.setTrial(encode(changed.trial()));
    } else if (change instanceof Change.TrialDeleted deleted) {
      wire.setDeletedTrial(deleted.trial());
    } else if (change instanceof Change.Reported reported) {
      wire.setReported(
          ReportedMeasurement.newBuilder()
              .setTrial(reported.trial())
              .setMeasurement(encode(reported.measurement())));
    }
    return wire.build();
  }

  static Result suggestions(Suggestions suggestions) {
    io.asktell.conformance.v1.Suggestions.Builder wire =
        io.asktell.conformance.v1.Suggestions.newBuilder();
    suggestions.forEach(
        each ->
            wire.addSuggestions(
                io.asktell.conformance.v1.Suggestion.newBuilder()
                    .putAllParameters(encode(each.params()))
                    .setOrigin(io.asktell.v1.Origin.valueOf("ORIGIN_" + each.origin()))));
    return Result.newBuilder().setSuggestions(wire).build();
  }

  private static io.asktell.v1.Study encode(StudyInfo info) {
    TrialCounts counts = info.counts();
    io.asktell.v1.Study.Builder wire =
        io.asktell.v1.Study.newBuilder()
            .setName(info.name())
            .setDisplayName(info.spec().displayName())
            .setState(io.asktell.v1.StudyState.valueOf("STUDY_STATE_" + info.state()))
            .setFinishReason(
                io.asktell.v1.FinishReason.valueOf("FINISH_REASON_" + info.finishReason()))
            .setTrialCounts(
                io.asktell.v1.TrialCounts.newBuilder()
                    .setQueued(counts.queued())
                    .setRunning(counts.running())
                    .setSucceeded(counts.succeeded())
                    .setStopped(counts.stopped())
                    .setFailed(counts.failed())
                    .setInfeasible(counts.infeasible())
                    .setCancelled(counts.cancelled())
                    .setAbandoned(counts.abandoned()))
            .setReplicates(info.spec().replicates())
            .putAllLabels(info.spec().labels())
            .putAllAnnotations(info.spec().annotations());
    if (info.spec().maxStaleness() != null) {
      wire.setMaxStaleness(info.spec().maxStaleness());
    }
    return wire.build();
  }

  private static io.asktell.v1.Trial encode(TrialInfo info) {
    io.asktell.v1.Trial.Builder wire =
        io.asktell.v1.Trial.newBuilder()
            .setNumber(info.number())
            .setState(state(info.state()))
            .putAllParameters(encode(info.params()))
            .setOrigin(io.asktell.v1.Origin.valueOf("ORIGIN_" + info.origin()))
            .putAllMetrics(encode(info.metrics()))
            .setReason(info.reason())
            .setAttempt(info.attempt())
            .setWorkerId(info.workerId())
            .putAllLabels(info.labels())
            .putAllAnnotations(info.annotations())
            .setImportKey(info.importKey())
            .setMeasurementCount(info.measurementCount());
    info.measurements().forEach(each -> wire.addMeasurements(encode(each)));
    info.amendments()
        .forEach(
            each ->
                wire.addAmendments(
                    Amendment.newBuilder()
                        .setPreviousState(state(each.previousState()))
                        .putAllPreviousMetrics(encode(each.previousMetrics()))
                        .setReason(each.reason())));
    info.supersededResults()
        .forEach(
            each ->
                wire.addSupersededResults(
                    SupersededResult.newBuilder()
                        .setState(state(each.state()))
                        .putAllMetrics(encode(each.metrics()))));
    return wire.build();
  }

  private static io.asktell.v1.TrialState state(io.asktell.TrialState state) {
    return io.asktell.v1.TrialState.valueOf("TRIAL_STATE_" + state);
  }

  private static io.asktell.v1.Measurement encode(Measurement measurement) {
    return io.asktell.v1.Measurement.newBuilder()
        .setStep(measurement.step())
        .putAllMetrics(encode(measurement.metrics()))
        .build();
  }

  private static Map<String, Metric> encode(Metrics metrics) {
    Map<String, Metric> wire = new LinkedHashMap<>();
    metrics
        .asMap()
        .forEach(
            (name, value) -> {
              Metric.Builder metric = Metric.newBuilder().setValue(value);
              metrics.standardError(name).ifPresent(metric::setStandardError);
              wire.put(name, metric.build());
            });
    return wire;
  }

  /** A value of another type than the client promises ends the program: that is a finding. */
  private static Map<String, ParameterValue> encode(Params params) {
    Map<String, ParameterValue> wire = new LinkedHashMap<>();
    params
        .asMap()
        .forEach(
            (name, value) -> {
              ParameterValue.Builder each = ParameterValue.newBuilder();
              if (value instanceof Double number) {
                each.setDoubleValue(number);
              } else if (value instanceof Long number) {
                each.setIntValue(number);
              } else if (value instanceof Boolean bool) {
                each.setBoolValue(bool);
              } else {
                each.setStringValue((String) value);
              }
              wire.put(name, each.build());
            });
    return wire;
  }
}
