package io.asktell;

import com.google.protobuf.Descriptors.FieldDescriptor;
import io.asktell.v1.Algorithm;
import io.asktell.v1.DerivedParameter;
import io.asktell.v1.EarlyStopping;
import io.asktell.v1.Goal;
import io.asktell.v1.Objective;
import io.asktell.v1.OutcomeConstraint;
import io.asktell.v1.Parameter;
import io.asktell.v1.Split;
import io.asktell.v1.TrackedMetric;
import java.util.function.Consumer;

/**
 * Builds the message {@link io.asktell.v1.Study} that a study is created with. Its methods are
 * shorter ways to set what most programs set; {@link #with} sets everything else. What is not set
 * stays at the server's defaults, and the server judges all values.
 */
public final class StudyBuilder {
  private final io.asktell.v1.Study.Builder study = io.asktell.v1.Study.newBuilder();

  /** Adds a parameter, see {@link Parameters}. */
  public StudyBuilder parameter(Parameter.Builder parameter) {
    study.getSearchSpaceBuilder().addParameters(parameter);
    return this;
  }

  /**
   * Adds a linear constraint on numeric parameters, such as {@code "width + 2*depth <= 64"} or
   * {@code "low <= high"}: no configuration breaks it. {@link
   * io.asktell.v1.SearchSpace#getParameterConstraintsList} has what it may say.
   */
  public StudyBuilder parameterConstraint(String constraint) {
    study.getSearchSpaceBuilder().addParameterConstraints(constraint);
    return this;
  }

  /**
   * Adds a value that follows from other parameters by arithmetic, such as {@code "batch_size *
   * accumulate"}, and is delivered with the configuration. {@link DerivedParameter} has what an
   * expression may say.
   */
  public StudyBuilder derived(String name, String expression) {
    study
        .getSearchSpaceBuilder()
        .addDerivedParameters(
            DerivedParameter.newBuilder().setName(name).setExpression(expression));
    return this;
  }

  /** Adds an objective of which less is better, on validation data. */
  public StudyBuilder minimize(String metric) {
    return objective(metric, Goal.GOAL_MINIMIZE);
  }

  /** Adds an objective of which more is better, on validation data. */
  public StudyBuilder maximize(String metric) {
    return objective(metric, Goal.GOAL_MAXIMIZE);
  }

  private StudyBuilder objective(String metric, Goal goal) {
    study.addObjectives(Objective.newBuilder().setMetric(metric).setGoal(goal));
    return this;
  }

  /**
   * Gives the objective that was added last its reference: beside other objectives, the worst value
   * still of interest, from which the hypervolume is measured.
   */
  public StudyBuilder reference(double worst) {
    study.getObjectivesBuilder(study.getObjectivesCount() - 1).setReferenceValue(worst);
    return this;
  }

  /** Adds an outcome constraint: the metric of a good trial is at most the bound. */
  public StudyBuilder atMost(String metric, double bound) {
    study.addOutcomeConstraints(OutcomeConstraint.newBuilder().setMetric(metric).setMax(bound));
    return this;
  }

  /** Adds an outcome constraint: the metric of a good trial is at least the bound. */
  public StudyBuilder atLeast(String metric, double bound) {
    study.addOutcomeConstraints(OutcomeConstraint.newBuilder().setMetric(metric).setMin(bound));
    return this;
  }

  /**
   * Makes the outcome constraint that was added last relative: its bound is that many times the
   * value of the study's baseline trial, which is the first imported one or {@code baselineTrial}.
   */
  public StudyBuilder ofBaseline() {
    study.getOutcomeConstraintsBuilder(study.getOutcomeConstraintsCount() - 1).setOfBaseline(true);
    return this;
  }

  /** Adds a metric that trials may log and that is never optimised. */
  public StudyBuilder track(String metric, Split split) {
    study.addTrackedMetrics(TrackedMetric.newBuilder().setMetric(metric).setSplit(split));
    return this;
  }

  /**
   * Sets how configurations are found: {@code algorithm(KindCase.SOBOL)}. Default: the server
   * chooses. {@link #with} sets the fields of an algorithm: {@code with(study ->
   * study.getAlgorithmBuilder().getGridBuilder().setDefaultLevels(4))}.
   */
  public StudyBuilder algorithm(Algorithm.KindCase kind) {
    FieldDescriptor field = Algorithm.getDescriptor().findFieldByNumber(kind.getNumber());
    study
        .getAlgorithmBuilder()
        .getFieldBuilder(field); // a builder that exists is the oneof's choice
    return this;
  }

  /**
   * Names the metric that says what a trial cost. Asks with {@code AskRequest.setCostAware} look
   * for improvement per cost.
   */
  public StudyBuilder cost(String metric) {
    study.setCostMetric(metric);
    return this;
  }

  /** Sets when a running trial is told to stop, see {@link EarlyStoppingRules}. */
  public StudyBuilder earlyStopping(EarlyStopping.Builder rule) {
    study.setEarlyStopping(rule);
    return this;
  }

  /** Sets the budget: the study ends when this many trials have ended. */
  public StudyBuilder maxTrials(int trials) {
    study.getStoppingRulesBuilder().setMaxTrials(trials);
    return this;
  }

  /** Sets any field: {@code with(study -> study.setSeed(7).putLabels("team", "nlp"))}. */
  public StudyBuilder with(Consumer<io.asktell.v1.Study.Builder> change) {
    change.accept(study);
    return this;
  }

  /** The message. */
  public io.asktell.v1.Study build() {
    return study.build();
  }
}
