/** What is known about an error, besides its message. */
export type ErrorFacts = Partial<Pick<AsktellError, "reason" | "metadata" | "code" | "retryAfterMs" | "cause">>;

/** What a call ended with. The class says what went wrong (`instanceof`), never the message. */
export class AsktellError extends Error {
  /** A name of `asktell.v1.ErrorReason`, such as "STUDY_COMPLETE"; empty when no server of asktell's said it. */
  readonly reason: string;
  /** What the catalogue of reasons promises for the reason. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The gRPC status; undefined when no call was made. */
  readonly code: number | undefined;
  /** When another try makes sense, in milliseconds; undefined when nothing is known about it. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.reason = facts.reason ?? "";
    this.metadata = facts.metadata ?? {};
    this.code = facts.code;
    this.retryAfterMs = facts.retryAfterMs;
  }

  /** Path of the field that is wrong, for example "study.search_space.parameters[0].float_domain.min". */
  get field(): string {
    return this.metadata["field"] ?? "";
  }

  /** Resource name of the study or trial that the error is about. */
  get resource(): string {
    return this.metadata["name"] ?? "";
  }
}

/** A field of the request is wrong, see {@link AsktellError.field}; nothing was changed. */
export class InvalidArgumentError extends AsktellError {}
/** A value is NaN or infinite. */
export class NotFiniteError extends InvalidArgumentError {}
/** The study declares no such metric. */
export class UnknownMetricError extends InvalidArgumentError {}
/** A result without the objective. */
export class MissingObjectiveError extends InvalidArgumentError {}
/** A parameter value that its domain does not have, or that is missing. */
export class ValueOutsideSpaceError extends InvalidArgumentError {}
/** An objective is measured on test data, which would make it worthless as a test. */
export class TestSplitObjectiveError extends InvalidArgumentError {}
/** The grid has more than 1,000,000 points. */
export class GridTooLargeError extends InvalidArgumentError {}
/** A study file is no YAML, or has an unknown or missing key or a value of another kind, at `metadata.line`. */
export class InvalidStudyFileError extends InvalidArgumentError {}
/** The contract has it, this server does not do it. */
export class NotSupportedError extends AsktellError {}

/** No such study or trial, see {@link AsktellError.resource}. */
export class NotFoundError extends AsktellError {}
/** No such study. */
export class StudyNotFoundError extends NotFoundError {}
/** No such trial. */
export class TrialNotFoundError extends NotFoundError {}

/** A study of that name, or another result, exists. */
export class AlreadyExistsError extends AsktellError {}
/** A study of that name exists; with `existOk`, one that differs for good, in `metadata.differs`. */
export class StudyExistsError extends AlreadyExistsError {}
/** The trial has another result; corrections go through `Trial.amend`. */
export class ResultConflictError extends AlreadyExistsError {
  /** Metrics of the stored result; undefined when they were too long to be sent. */
  get storedMetrics(): Record<string, number> | undefined {
    try {
      return JSON.parse(this.metadata["metrics"] ?? "") as Record<string, number>;
    } catch {
      return undefined;
    }
  }
}

/** The state of the study or trial does not allow the call. */
export class FailedPreconditionError extends AsktellError {}
/** The study hands out no more trials. */
export class StudyCompleteError extends FailedPreconditionError {
  constructor(message: string, facts: ErrorFacts = {}) {
    const finished = facts.metadata?.["finish_reason"] ?? "";
    super(`study is complete: ${FINISHED_BECAUSE[finished] ?? (finished || message)}`, facts);
  }

  /** Why: "MAX_TRIALS", "TARGET" … . */
  get finishReason(): string {
    return this.metadata["finish_reason"] ?? "";
  }
}
/** The study hands out no trials until it is resumed. */
export class StudyPausedError extends FailedPreconditionError {}
/** The study is searched by hand, and nothing is enqueued. */
export class QueueEmptyError extends FailedPreconditionError {}
/** Every configuration with the fixed values of the ask has been tried; others are left, and the study goes on. */
export class FixedExhaustedError extends FailedPreconditionError {}
/** The study has too few results for a model. */
export class TooFewResultsError extends FailedPreconditionError {}
/** The trial's state, in `metadata.state`, does not allow the call. */
export class IllegalTransitionError extends FailedPreconditionError {}
/** The trial is no longer this worker's. */
export class LeaseLostError extends FailedPreconditionError {}

/** A race was lost; nothing was changed and the call may be made again. */
export class AbortedError extends AsktellError {}
/** The study changed since it was read; its present etag is in `metadata.etag`. */
export class EtagMismatchError extends AbortedError {}
/** Too many writers at once, for longer than the client's own retries. */
export class ContentionError extends AbortedError {}

/** A limit is reached, or the server is at the end of its capacity. */
export class ResourceExhaustedError extends AsktellError {}
/** All that may run now is running; ask again after {@link AsktellError.retryAfterMs}. */
export class NoTrialAvailableError extends ResourceExhaustedError {}
/** The server has as many calls as it can take. */
export class OverloadedError extends ResourceExhaustedError {}
/** A limit of the product is reached. */
export class LimitExceededError extends ResourceExhaustedError {}

/** No server, or its store is away, for longer than the call's deadline. */
export class UnavailableError extends AsktellError {}
/** The answer was not ready in time. The call may have been carried out; making it again is safe. */
export class DeadlineExceededError extends AsktellError {}
/** The token is missing or wrong. */
export class UnauthenticatedError extends AsktellError {}
/** A bug of the server; its log has more under `metadata.incident`. */
export class InternalError extends AsktellError {}

/** The client has been closed. */
export class ClientClosedError extends AsktellError {}
/** The study has no trial with a result yet. Only `Study.bestTrial` throws it. */
export class NoResultsError extends AsktellError {}

const FINISHED_BECAUSE: Readonly<Record<string, string>> = {
  REQUESTED: "it was finished by request",
  MAX_TRIALS: "its budget of trials is used up",
  TARGET: "a trial reached the target value",
  PATIENCE: "the last trials did not better the best one",
  DEADLINE: "its deadline has passed",
  EXHAUSTED: "every configuration of its space or grid has been tried",
  LITTLE_TO_GAIN: "another 10 trials are expected to gain too little",
};
