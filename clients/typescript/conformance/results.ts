import { create } from "@bufbuild/protobuf";

import * as asktell from "../src/index.js";
import type * as v1 from "../src/v1.js";
import { ErrorKind, ResultSchema, type Result } from "./gen/conformance_pb.js";

/** What the client's constructor refused. */
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

export function studyResult(study: v1.Study): Result {
  return create(ResultSchema, { kind: { case: "study", value: study } });
}

export function trialsResult(shown: readonly asktell.Trial[]): Result {
  const trials = shown.map(({ info: trial, shouldStop, leaseLost, superseded }) => ({
    trial,
    shouldStop,
    leaseLost,
    superseded,
  }));
  return create(ResultSchema, { kind: { case: "trials", value: { trials } } });
}

export function changesResult(answers: readonly v1.WatchStudyResponse[]): Result {
  const changes = answers.map(({ cursor, change }) => ({ cursor, kind: showChange(change) }));
  return create(ResultSchema, { kind: { case: "changes", value: { changes } } });
}

function showChange(change: v1.WatchStudyResponse["change"]) {
  switch (change.case) {
    case "deletedTrial":
      return { case: "deletedTrial", value: numberOf(change.value.name) } as const;
    case "reported": {
      const { name, measurement } = change.value;
      return { case: "reported", value: { trial: numberOf(name), measurement } } as const;
    }
    default:
      return change;
  }
}

function numberOf(trial: string): bigint {
  return BigInt(trial.slice(trial.lastIndexOf("/") + 1));
}

export function suggestionsResult({ suggestions }: v1.SuggestResponse): Result {
  const shown = suggestions.map(({ parameters, origin }) => ({ parameters, origin }));
  return create(ResultSchema, { kind: { case: "suggestions", value: { suggestions: shown } } });
}

export function analysisResult(items: number): Result {
  return create(ResultSchema, { kind: { case: "analysis", value: { items } } });
}
