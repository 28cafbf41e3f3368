import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import { status as Code, type ServiceError } from "@grpc/grpc-js";

import * as errors from "./errors.js";
import { ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";

/** The typed error of a failed call. What is no status of grpc-js's is a bug, here or there, and is thrown. */
export function fromStatus(failed: unknown): errors.AsktellError {
  if (failed instanceof errors.AsktellError) {
    return failed;
  } else if (!(failed instanceof Error && "code" in failed && "metadata" in failed)) {
    throw failed;
  }
  const error = failed as ServiceError;
  let reason = "";
  let metadata: Record<string, string> = {};
  let retryAfterMs = Number(error.metadata.get("grpc-retry-pushback-ms")[0]) || 0;
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
  // A reason without a class (one that is newer than this client, too) counts as what its code says.
  const { code } = error;
  const Kind = classOf(reason) ?? classOf(code === Code.UNIMPLEMENTED ? "NOT_SUPPORTED" : Code[code]);
  const facts = { reason, metadata, code, retryAfterMs: retryAfterMs > 0 ? retryAfterMs : undefined };
  return new (Kind ?? errors.AsktellError)(error.details || Code[code], facts);
}

/** The class that is named after a reason or code: STUDY_COMPLETE is a StudyCompleteError. */
function classOf(name: string): typeof errors.AsktellError | undefined {
  const words = name.split("_").map((word) => word.slice(0, 1) + word.slice(1).toLowerCase());
  return (errors as Readonly<Record<string, typeof errors.AsktellError>>)[`${words.join("")}Error`];
}

function details(error: ServiceError) {
  try {
    return fromBinary(StatusSchema, error.metadata.get("grpc-status-details-bin")[0] as Buffer).details;
  } catch {
    return []; // there are none, or they were mangled on the way: the status itself is still worth telling
  }
}
