package io.asktell.conformance;

import io.asktell.AsktellException;
import io.asktell.Study;
import io.asktell.Trial;
import io.asktell.conformance.v1.Analysis;
import io.asktell.conformance.v1.Change;
import io.asktell.conformance.v1.Changes;
import io.asktell.conformance.v1.Done;
import io.asktell.conformance.v1.Error;
import io.asktell.conformance.v1.ErrorKind;
import io.asktell.conformance.v1.ReportedMeasurement;
import io.asktell.conformance.v1.Result;
import io.asktell.conformance.v1.Suggestion;
import io.asktell.conformance.v1.Suggestions;
import io.asktell.conformance.v1.TrialResult;
import io.asktell.conformance.v1.Trials;
import io.asktell.v1.SuggestResponse;
import io.asktell.v1.WatchStudyResponse;
import java.util.List;

/** What the client answered, as messages for the runner. */
final class Results {
  private Results() {}

  static Result done() {
    return Result.newBuilder().setDone(Done.getDefaultInstance()).build();
  }

  /** For what constructors refuse. */
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
    return Result.newBuilder().setStudy(study.info()).build();
  }

  static Result trials(List<Trial> trials) {
    Trials.Builder results = Trials.newBuilder();
    for (Trial trial : trials) {
      results.addTrials(
          TrialResult.newBuilder()
              .setTrial(trial.info())
              .setShouldStop(trial.shouldStop())
              .setLeaseLost(trial.leaseLost())
              .setSuperseded(trial.superseded()));
    }
    return Result.newBuilder().setTrials(results).build();
  }

  static Result changes(List<WatchStudyResponse> changes) {
    Changes.Builder results = Changes.newBuilder();
    changes.forEach(change -> results.addChanges(change(change)));
    return Result.newBuilder().setChanges(results).build();
  }

  private static Change change(WatchStudyResponse change) {
    Change.Builder result = Change.newBuilder().setCursor(change.getCursor());
    switch (change.getChangeCase()) {
      case STUDY -> result.setStudy(change.getStudy());
      case TRIAL -> result.setTrial(change.getTrial());
      case DELETED_TRIAL -> result.setDeletedTrial(number(change.getDeletedTrial().getName()));
      case REPORTED ->
          result.setReported(
              ReportedMeasurement.newBuilder()
                  .setTrial(number(change.getReported().getName()))
                  .setMeasurement(change.getReported().getMeasurement()));
      case CHANGE_NOT_SET -> {}
    }
    return result.build();
  }

  private static long number(String name) {
    return Long.parseLong(name.substring(name.lastIndexOf('/') + 1));
  }

  static Result suggestions(SuggestResponse answer) {
    Suggestions.Builder results = Suggestions.newBuilder();
    answer
        .getSuggestionsList()
        .forEach(
            each ->
                results.addSuggestions(
                    Suggestion.newBuilder()
                        .putAllParameters(each.getParametersMap())
                        .setOrigin(each.getOrigin())));
    return Result.newBuilder().setSuggestions(results).build();
  }

  static Result analysis(int items) {
    return Result.newBuilder().setAnalysis(Analysis.newBuilder().setItems(items)).build();
  }
}
