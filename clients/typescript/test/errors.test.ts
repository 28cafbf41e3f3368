import assert from "node:assert/strict";
import { test } from "node:test";

import { status } from "@grpc/grpc-js";

import * as asktell from "../src/index.js";
import { fromStatus } from "../src/status.js";
import { ErrorReasonSchema } from "../src/v1.js";
import { Failure } from "./server.js";

/** Reasons that count as what their code says. */
const BY_CODE = {
  INVALID_FIELD: [status.INVALID_ARGUMENT, asktell.InvalidArgumentError],
  REQUEST_ID_REUSED: [status.INVALID_ARGUMENT, asktell.InvalidArgumentError],
  INVALID_TOKEN: [status.INVALID_ARGUMENT, asktell.InvalidArgumentError],
  STORE_UNAVAILABLE: [status.UNAVAILABLE, asktell.UnavailableError],
  SERVER_DRAINING: [status.UNAVAILABLE, asktell.UnavailableError],
  STATELESS_SERVER: [status.UNIMPLEMENTED, asktell.NotSupportedError],
  DEADLINE: [status.DEADLINE_EXCEEDED, asktell.DeadlineExceededError],
  NEWER_THAN_THIS_CLIENT: [status.ALREADY_EXISTS, asktell.AlreadyExistsError],
} as const;

test("a reason has the class that is named after it, or counts as what its code says", () => {
  for (const [reason, [code, Kind]] of Object.entries(BY_CODE)) {
    assert.equal(fromStatus(new Failure(code, reason)).constructor, Kind, reason);
  }
  const known = ErrorReasonSchema.values.map(({ localName }) => localName);
  for (const reason of known.filter((name) => name !== "UNSPECIFIED" && !(name in BY_CODE))) {
    const error = fromStatus(new Failure(status.UNKNOWN, reason));
    assert.equal(error.name.toUpperCase(), `${reason.replaceAll("_", "")}ERROR`);
    assert.equal(error.reason, reason);
  }
  assert.equal(fromStatus(new Failure(status.DATA_LOSS, "")).constructor, asktell.AsktellError);
});
