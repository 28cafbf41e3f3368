import { create, type DescEnum, type EnumShape } from "@bufbuild/protobuf";

import * as asktell from "../src/index.js";
import { ParameterValueSchema, type ParameterValue } from "../src/gen/asktell/v1/search_space_pb.js";
import { FinishReasonSchema, StudySchema, StudyStateSchema } from "../src/gen/asktell/v1/study_pb.js";
import { MetricSchema, OriginSchema, TrialSchema, TrialStateSchema } from "../src/gen/asktell/v1/trial_pb.js";
import { ErrorKind, ResultSchema, type Result } from "./gen/conformance_pb.js";

/** A trial, and the space of its study: it says which numbers are ints. */
export interface Shown {
  readonly trial: asktell.Trial;
  readonly space: asktell.Space;
}

/** What the client's constructor and its loader of study files refused. */
export class Refused extends Error {
  constructor(cause: unknown) {
    super(String(cause), { cause });
  }
}

const KINDS: readonly (readonly [abstract new (...facts: never[]) => Error, ErrorKind])[] = [
  [asktell.InvalidArgumentError, ErrorKind.INVALID_ARGUMENT],
  [asktell.NotFoundError, ErrorKind.NOT_FOUND],
  [asktell.StudyExistsError, ErrorKind.STUDY_EXISTS],
  [asktell.ResultConflictError, ErrorKind.RESULT_CONFLICT],
  [asktell.StudyCompleteError, ErrorKind.STUDY_COMPLETE],
  [asktell.StudyPausedError, ErrorKind.STUDY_PAUSED],
  [asktell.QueueEmptyError, ErrorKind.QUEUE_EMPTY],
  [asktell.NoTrialAvailableError, ErrorKind.NO_TRIAL_AVAILABLE],
  [asktell.LeaseLostError, ErrorKind.LEASE_LOST],
  [asktell.IllegalTransitionError, ErrorKind.ILLEGAL_TRANSITION],
  [asktell.EtagMismatchError, ErrorKind.ETAG_MISMATCH],
  [asktell.ContentionError, ErrorKind.CONTENTION],
  [asktell.OverloadedError, ErrorKind.OVERLOADED],
  [asktell.LimitExceededError, ErrorKind.LIMIT_EXCEEDED],
  [asktell.NotSupportedError, ErrorKind.NOT_SUPPORTED],
  [asktell.UnavailableError, ErrorKind.UNAVAILABLE],
  [asktell.DeadlineExceededError, ErrorKind.DEADLINE_EXCEEDED],
  [asktell.UnauthenticatedError, ErrorKind.UNAUTHENTICATED],
  [asktell.InternalError, ErrorKind.INTERNAL],
];

/** The result of an error of the client's; another error is a bug of this program, and is thrown. */
export function failed(error: unknown): Result {
  if (error instanceof Refused) {
    return errorResult({ kind: ErrorKind.REFUSED_LOCALLY, message: error.message });
  }
  if (!(error instanceof asktell.AsktellError)) {
    throw error;
  }
  const kind = KINDS.find(([type]) => error instanceof type)?.[1] ?? ErrorKind.OTHER;
  const { reason, field, message } = error;
  return errorResult({ kind, reason, field, message, hasRetryAfter: error.retryAfterMs !== undefined });
}

function errorResult(value: {
  kind: ErrorKind;
  message: string;
  reason?: string;
  field?: string;
  hasRetryAfter?: boolean;
}): Result {
  return create(ResultSchema, { kind: { case: "error", value } });
}

export function done(): Result {
  return create(ResultSchema, { kind: { case: "done", value: {} } });
}

export function studyResult(info: asktell.StudyInfo): Result {
  return create(ResultSchema, { kind: { case: "study", value: encodeStudy(info) } });
}

export function trialsResult(shown: readonly Shown[]): Result {
  const trials = shown.map(({ trial, space }) => ({
    trial: encodeTrial(trial.info, space),
    shouldStop: trial.shouldStop,
    leaseLost: trial.leaseLost,
    superseded: trial.superseded,
  }));
  return create(ResultSchema, { kind: { case: "trials", value: { trials } } });
}

export function changesResult(changes: readonly asktell.Change[], space: asktell.Space): Result {
  const wire = changes.map((change) => ({ cursor: change.cursor, kind: encodeChange(change, space) }));
  return create(ResultSchema, { kind: { case: "changes", value: { changes: wire } } });
}

function encodeChange(change: asktell.Change, space: asktell.Space) {
  switch (change.type) {
    case "study":
      return { case: "study", value: encodeStudy(change.study) } as const;
    case "trial":
      return { case: "trial", value: encodeTrial(change.trial, space) } as const;
    case "deleted":
      return { case: "deletedTrial", value: BigInt(change.number) } as const;
    case "reported": {
      const measurement = encodeMeasurement(change.measurement);
      return { case: "reported", value: { trial: BigInt(change.number), measurement } } as const;
    }
  }
}

export function suggestionsResult({ suggestions }: asktell.Suggestions, space: asktell.Space): Result {
  const wire = suggestions.map(({ params, origin }) => ({
    parameters: encodeParams(params, space),
    origin: numberOf(OriginSchema, origin),
  }));
  return create(ResultSchema, { kind: { case: "suggestions", value: { suggestions: wire } } });
}

function encodeStudy(info: asktell.StudyInfo) {
  return create(StudySchema, {
    name: info.name,
    displayName: info.spec.displayName ?? "",
    state: numberOf(StudyStateSchema, info.state),
    finishReason: numberOf(FinishReasonSchema, info.finishReason),
    trialCounts: info.counts,
    labels: { ...info.spec.labels },
    annotations: { ...info.spec.annotations },
    replicates: info.spec.replicates ?? 1,
    ...(info.spec.maxStaleness === undefined ? {} : { maxStaleness: info.spec.maxStaleness }),
  });
}

function encodeTrial(info: asktell.TrialInfo, space: asktell.Space) {
  return create(TrialSchema, {
    number: BigInt(info.number),
    state: numberOf(TrialStateSchema, info.state),
    parameters: encodeParams(info.params, space),
    origin: numberOf(OriginSchema, info.origin),
    metrics: encodeMetrics(info.metrics, info.standardErrors),
    reason: info.reason,
    attempt: info.attempt,
    workerId: info.workerId,
    labels: { ...info.labels },
    annotations: { ...info.annotations },
    importKey: info.importKey,
    measurementCount: info.measurementCount,
    measurements: info.measurements.map(encodeMeasurement),
    amendments: info.amendments.map(({ previousState, previousMetrics, reason }) => ({
      previousState: numberOf(TrialStateSchema, previousState),
      previousMetrics: encodeMetrics(previousMetrics),
      reason,
    })),
    supersededResults: info.supersededResults.map(({ state, metrics }) => ({
      state: numberOf(TrialStateSchema, state),
      metrics: encodeMetrics(metrics),
    })),
  });
}

function encodeMeasurement({ step, metrics, standardErrors }: asktell.Measurement) {
  return { step: BigInt(step), metrics: encodeMetrics(metrics, standardErrors) };
}

function encodeMetrics(metrics: asktell.Metrics, standardErrors: asktell.Metrics = {}) {
  const entries = Object.entries(metrics).map(([name, value]) => {
    const standardError = standardErrors[name];
    return [name, create(MetricSchema, { value, ...(standardError === undefined ? {} : { standardError }) })] as const;
  });
  return Object.fromEntries(entries);
}

/** A value of another type than the domain promises is a finding: the conversion throws. */
function encodeParams(params: asktell.Params, space: asktell.Space): Record<string, ParameterValue> {
  const entries = Object.entries(params).map(([name, value]) => {
    if (typeof value === "string") {
      return [name, create(ParameterValueSchema, { kind: { case: "stringValue", value } })] as const;
    }
    if (typeof value === "boolean") {
      return [name, create(ParameterValueSchema, { kind: { case: "boolValue", value } })] as const;
    }
    const domain = space[name];
    const isInt = domain?.type === "int" || (domain?.type === "discrete" && domain.kind === "int");
    const kind = isInt
      ? ({ case: "intValue", value: BigInt(value) } as const)
      : ({ case: "doubleValue", value } as const);
    return [name, create(ParameterValueSchema, { kind })] as const;
  });
  return Object.fromEntries(entries);
}

function numberOf<D extends DescEnum>(schema: D, name: string | undefined): EnumShape<D> {
  return (schema.values.find((value) => value.localName === name)?.number ?? 0) as EnumShape<D>;
}
