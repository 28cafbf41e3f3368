import { timestampMs, type Timestamp } from "@bufbuild/protobuf/wkt";

/** Milliseconds from one time to another. */
export function durationMs(from: Timestamp | undefined, to: Timestamp): number {
  return from ? timestampMs(to) - timestampMs(from) : 0;
}
