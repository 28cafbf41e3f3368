package io.asktell;

import com.google.protobuf.FieldMask;
import io.asktell.v1.StoppingRules;
import io.asktell.v1.UpdateStudyRequest;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** Changes to a study's rules, limits, labels and annotations, for {@link Study#update}. */
public final class StudyUpdate {
  private final io.asktell.v1.Study.Builder study = io.asktell.v1.Study.newBuilder();
  private final StoppingRules.Builder rules = StoppingRules.newBuilder();
  private final Set<String> paths = new LinkedHashSet<>();

  private StudyUpdate() {}

  /** No changes yet. */
  public static StudyUpdate create() {
    return new StudyUpdate();
  }

  /** Another budget. */
  public StudyUpdate maxTrials(int trials) {
    rules.setMaxTrials(trials);
    return changed("stopping_rules.max_trials");
  }

  /** No budget any more. */
  public StudyUpdate clearMaxTrials() {
    rules.clearMaxTrials();
    return changed("stopping_rules.max_trials");
  }

  /** Another value of the objective at which the study ends. */
  public StudyUpdate target(double value) {
    rules.setTargetValue(value);
    return changed("stopping_rules.target_value");
  }

  /** No target any more. */
  public StudyUpdate clearTarget() {
    rules.clearTargetValue();
    return changed("stopping_rules.target_value");
  }

  /** Another number of trials in a row that may fail to better the best one. */
  public StudyUpdate patience(int trials) {
    rules.setPatienceTrials(trials);
    return changed("stopping_rules.patience_trials");
  }

  /** No such rule any more. */
  public StudyUpdate clearPatience() {
    rules.clearPatienceTrials();
    return changed("stopping_rules.patience_trials");
  }

  /** Another time at which the study ends. */
  public StudyUpdate deadline(Instant time) {
    rules.setDeadline(Wire.time(time));
    return changed("stopping_rules.deadline");
  }

  /** No deadline any more. */
  public StudyUpdate clearDeadline() {
    rules.clearDeadline();
    return changed("stopping_rules.deadline");
  }

  /** Another limit on the trials that run at once; 0 takes it away. */
  public StudyUpdate maxRunning(int trials) {
    study.setMaxRunningTrials(trials);
    return changed("max_running_trials");
  }

  /** Another number of trials that may end between the making of a suggestion and its start. */
  public StudyUpdate maxStaleness(int trials) {
    study.setMaxStaleness(trials);
    return changed("max_staleness");
  }

  /** Leaves it to the server again: see {@link StudySpec}. */
  public StudyUpdate clearMaxStaleness() {
    study.clearMaxStaleness();
    return changed("max_staleness");
  }

  /** Another title. */
  public StudyUpdate displayName(String name) {
    study.setDisplayName(name);
    return changed("display_name");
  }

  /** Other labels in place of all there are. */
  public StudyUpdate labels(Map<String, String> labels) {
    study.clearLabels().putAllLabels(labels);
    return changed("labels");
  }

  /** Other annotations in place of all there are. */
  public StudyUpdate annotations(Map<String, String> annotations) {
    study.clearAnnotations().putAllAnnotations(annotations);
    return changed("annotations");
  }

  /** Refuses the update with {@link EtagMismatchException} unless the study still has this etag. */
  public StudyUpdate ifEtag(String etag) {
    study.setEtag(etag);
    return this;
  }

  private StudyUpdate changed(String path) {
    paths.add(path);
    return this;
  }

  UpdateStudyRequest encode(String name) {
    return UpdateStudyRequest.newBuilder()
        .setStudy(study.clone().setName(name).setStoppingRules(rules))
        .setUpdateMask(FieldMask.newBuilder().addAllPaths(paths))
        .setRequestId(Wire.requestId())
        .build();
  }
}
