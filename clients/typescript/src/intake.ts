import { create } from "@bufbuild/protobuf";

import { encodeEnum, type Outcome } from "./enums.js";
import {
  EnqueuedTrialSchema,
  ImportedTrialSchema,
  TellOutcomeSchema,
  type EnqueuedTrial as WireQueued,
  type ImportedTrial as WireImported,
} from "./gen/asktell/v1/trial_service_pb.js";
import type { Space } from "./space.js";
import { encodeMetrics, encodeParams, encodeTime, type MetricsInput, type ParamsInput } from "./values.js";

/** A configuration of one's own to run. */
export interface QueuedTrial {
  /** A value for each parameter; those with a default may be left out. */
  readonly params: ParamsInput;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A past result to bring in. */
export interface ImportedTrial {
  /** The caller's own, unique in the study: importing it again changes nothing. */
  readonly key: string;
  readonly params: ParamsInput;
  /** Default: "SUCCEEDED". */
  readonly outcome?: Outcome;
  readonly metrics?: MetricsInput;
  readonly reason?: string;
  readonly startTime?: Date;
  readonly finishTime?: Date;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function encodeQueued(trials: readonly QueuedTrial[], space: Space): WireQueued[] {
  return trials.map(({ params, labels, annotations }, index) =>
    create(EnqueuedTrialSchema, {
      parameters: encodeParams(params, space, `trials[${index}]`),
      labels: { ...labels },
      annotations: { ...annotations },
    }),
  );
}

export function encodeImported(trials: readonly ImportedTrial[], space: Space): WireImported[] {
  return trials.map((trial, index) =>
    create(ImportedTrialSchema, {
      importKey: trial.key,
      parameters: encodeParams(trial.params, space, `trials[${index}]`),
      outcome: encodeEnum(TellOutcomeSchema, trial.outcome, `trials[${index}].outcome`),
      metrics: encodeMetrics(trial.metrics ?? {}),
      reason: trial.reason ?? "",
      ...(trial.startTime ? { startTime: encodeTime(trial.startTime) } : {}),
      ...(trial.finishTime ? { finishTime: encodeTime(trial.finishTime) } : {}),
      labels: { ...trial.labels },
      annotations: { ...trial.annotations },
    }),
  );
}
