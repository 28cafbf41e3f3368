import { status as Code } from "@grpc/grpc-js";

import { Backoff, sleep } from "./backoff.js";
import { AsktellError, ClientClosedError, UnavailableError } from "./errors.js";
import { StudyService } from "./gen/asktell/v1/study_service_pb.js";
import { TrialService, type WatchStudyResponse } from "./gen/asktell/v1/trial_service_pb.js";
import { decodeStudy, type StudyInfo } from "./study-info.js";
import type { Transport } from "./transport.js";
import { decodeMeasurement, decodeTrial, trialNumber, type Measurement, type TrialInfo } from "./trial-info.js";
import type { Params } from "./values.js";

/** One change of a study. `cursor` is where to go on from. */
export type Change<P = Params> = { readonly cursor: string } & (
  | { readonly type: "study"; readonly study: StudyInfo }
  | { readonly type: "trial"; readonly trial: TrialInfo<P> }
  /** A trial is no more. */
  | { readonly type: "deleted"; readonly number: number }
  /** A running trial reported. */
  | { readonly type: "reported"; readonly number: number; readonly measurement: Measurement }
);

/** Follows a study's log, by a stream that is opened again where it broke off. */
export async function* watchStudy<P>(
  transport: Transport,
  study: string,
  start: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Change<P>, void, void> {
  // A call with a deadline first: a stream would wait for ever for a server that is not there at all.
  await transport.unary(StudyService.method.getStudy, { name: study }, { signal });
  const delays = new Backoff();
  let cursor = start;
  for (;;) {
    let hintMs: number | undefined;
    try {
      for await (const answer of transport.stream(TrialService.method.watchStudy, { study, cursor }, { signal })) {
        delays.reset();
        cursor = answer.cursor;
        const change = decodeChange<P>(answer);
        if (change) {
          yield change;
        }
      }
    } catch (error) {
      if (!wentDown(error)) {
        throw error;
      }
      hintMs = error.retryAfterMs;
    }
    await sleep(delays.next(hintMs), signal);
  }
}

/** Whether it was the server, or something on the way to it, that ended a stream. */
function wentDown(error: unknown): error is AsktellError {
  return (
    error instanceof UnavailableError ||
    (error instanceof AsktellError && !(error instanceof ClientClosedError) && error.code === Code.CANCELLED)
  );
}

function decodeChange<P>({ cursor, change }: WatchStudyResponse): Change<P> | undefined {
  switch (change.case) {
    case "study":
      return { type: "study", cursor, study: decodeStudy(change.value) };
    case "trial":
      return { type: "trial", cursor, trial: decodeTrial<P>(change.value) };
    case "deletedTrial":
      return { type: "deleted", cursor, number: trialNumber(change.value.name) };
    case "reported": {
      const { name, measurement } = change.value;
      return (
        measurement && {
          type: "reported",
          cursor,
          number: trialNumber(name),
          measurement: decodeMeasurement(measurement),
        }
      );
    }
    default:
      return undefined; // of a kind that is newer than this client
  }
}
