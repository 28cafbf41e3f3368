/**
 * Ask for a configuration, train, tell the validation loss back: the client of asktell.
 *
 * @packageDocumentation
 */
export { Client, type CreateOptions } from "./client.js";
export type { FinishReason, Goal, Origin, Outcome, Split, StudyState, TrialState } from "./enums.js";
export * from "./errors.js";
export type { ImportedTrial, QueuedTrial } from "./intake.js";
export type { ClientOptions } from "./settings.js";
export { bool, categorical, discrete, float, int } from "./space.js";
export type {
  BoolDomain,
  CategoricalDomain,
  DiscreteDomain,
  Domain,
  FloatDomain,
  IntDomain,
  ParamsOf,
  Scale,
  Space,
  ValueOf,
} from "./space.js";
export { maximize, minimize } from "./spec.js";
export type { Algorithm, Objective, StudySpec, TrackedMetric } from "./spec.js";
export type { AskOptions, BestByModel, ImportAnswer, ListOptions, Study } from "./study.js";
export { loadStudyFile, parseStudyFile, type StudyFile } from "./study-file.js";
export type { StudyInfo, StudyWarning, TrialCounts } from "./study-info.js";
export type { Observation, Problem, Suggestion, Suggestions } from "./suggest.js";
export type { CallOptions } from "./transport.js";
export type { EndOptions, Progress, ReasonOptions, Trial } from "./trial.js";
export type { Amendment, Measurement, Prediction, SupersededResult, TrialInfo } from "./trial-info.js";
export type { StudyChanges } from "./update.js";
export type { Metrics, MetricsInput, MetricValue, Params, ParamsInput } from "./values.js";
export type { Change } from "./watch.js";
export { StudyFileError } from "./yaml-node.js";
