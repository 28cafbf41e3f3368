import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import { status as Code, type ServiceError } from "@grpc/grpc-js";

import * as errors from "./errors.js";
import { ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";

type ErrorClass = new (message: string, facts: errors.ErrorFacts) => errors.AsktellError;

const BY_REASON: Readonly<Record<string, ErrorClass>> = {
  INVALID_FIELD: errors.InvalidArgumentError,
  NOT_FINITE: errors.NotFiniteError,
  UNKNOWN_METRIC: errors.UnknownMetricError,
  MISSING_OBJECTIVE: errors.MissingObjectiveError,
  VALUE_OUTSIDE_SPACE: errors.ValueOutsideSpaceError,
  REQUEST_ID_REUSED: errors.InvalidArgumentError,
  TEST_SPLIT_OBJECTIVE: errors.TestSplitObjectiveError,
  GRID_TOO_LARGE: errors.GridTooLargeError,
  INVALID_TOKEN: errors.InvalidArgumentError,
  NOT_SUPPORTED: errors.NotSupportedError,
  STUDY_NOT_FOUND: errors.StudyNotFoundError,
  TRIAL_NOT_FOUND: errors.TrialNotFoundError,
  STUDY_EXISTS: errors.StudyExistsError,
  RESULT_CONFLICT: errors.ResultConflictError,
  STUDY_COMPLETE: errors.StudyCompleteError,
  STUDY_PAUSED: errors.StudyPausedError,
  QUEUE_EMPTY: errors.QueueEmptyError,
  ILLEGAL_TRANSITION: errors.IllegalTransitionError,
  LEASE_LOST: errors.LeaseLostError,
  ETAG_MISMATCH: errors.EtagMismatchError,
  CONTENTION: errors.ContentionError,
  NO_TRIAL_AVAILABLE: errors.NoTrialAvailableError,
  OVERLOADED: errors.OverloadedError,
  LIMIT_EXCEEDED: errors.LimitExceededError,
  STORE_UNAVAILABLE: errors.UnavailableError,
  SERVER_DRAINING: errors.UnavailableError,
  STATELESS_SERVER: errors.NotSupportedError,
  UNAUTHENTICATED: errors.UnauthenticatedError,
  INTERNAL: errors.InternalError,
  DEADLINE: errors.DeadlineExceededError,
};

// For a status without a reason (a proxy's, or gRPC's own) and for reasons newer than this client.
const BY_CODE: Readonly<Partial<Record<Code, ErrorClass>>> = {
  [Code.INVALID_ARGUMENT]: errors.InvalidArgumentError,
  [Code.UNIMPLEMENTED]: errors.NotSupportedError,
  [Code.NOT_FOUND]: errors.NotFoundError,
  [Code.ALREADY_EXISTS]: errors.AlreadyExistsError,
  [Code.FAILED_PRECONDITION]: errors.FailedPreconditionError,
  [Code.ABORTED]: errors.AbortedError,
  [Code.RESOURCE_EXHAUSTED]: errors.ResourceExhaustedError,
  [Code.UNAVAILABLE]: errors.UnavailableError,
  [Code.DEADLINE_EXCEEDED]: errors.DeadlineExceededError,
  [Code.UNAUTHENTICATED]: errors.UnauthenticatedError,
  [Code.INTERNAL]: errors.InternalError,
};

/** The typed error of what grpc-js reports. */
export function fromStatus(error: ServiceError): errors.AsktellError {
  let reason = "";
  let metadata: Record<string, string> = {};
  let retryAfterMs = pushback(error);
  for (const detail of details(error)) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info?.domain === "asktell") {
      ({ reason, metadata } = info);
    }
    const retry = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
    if (retry) {
      retryAfterMs = Math.max(retryAfterMs, durationMs(retry));
    }
  }
  const Kind = BY_REASON[reason] ?? BY_CODE[error.code] ?? errors.AsktellError;
  return new Kind(error.details || Code[error.code], {
    reason,
    metadata,
    code: error.code,
    retryAfterMs: retryAfterMs > 0 ? retryAfterMs : undefined,
  });
}

function details(error: ServiceError) {
  const bytes = error.metadata.get("grpc-status-details-bin")[0];
  if (!Buffer.isBuffer(bytes)) {
    return [];
  }
  try {
    return fromBinary(StatusSchema, bytes).details;
  } catch {
    return []; // mangled on the way: the status itself is still worth telling
  }
}

function pushback(error: ServiceError): number {
  const ms = Number(error.metadata.get("grpc-retry-pushback-ms")[0] ?? 0);
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}
