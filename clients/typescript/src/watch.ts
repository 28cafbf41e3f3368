import { status as Code } from "@grpc/grpc-js";

import { Backoff, sleep } from "./backoff.js";
import { AsktellError, ClientClosedError, UnavailableError } from "./errors.js";
import type { Transport } from "./transport.js";
import * as v1 from "./v1.js";

/** Follows a study's log, by a stream that is opened again where it broke off. */
export async function* watchStudy(
  transport: Transport,
  study: string,
  start: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<v1.WatchStudyResponse, void, void> {
  // A call with a deadline first: a stream would wait for ever for a server that is not there at all.
  await transport.unary(v1.StudyService.method.getStudy, { name: study }, { signal });
  const delays = new Backoff();
  let cursor = start;
  for (;;) {
    let hintMs: number | undefined;
    try {
      for await (const answer of transport.stream(v1.TrialService.method.watchStudy, { study, cursor }, { signal })) {
        delays.reset();
        cursor = answer.cursor;
        yield answer;
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
