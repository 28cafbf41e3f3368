import { decodeEnum, type FinishReason, type StudyState } from "./enums.js";
import {
  FinishReasonSchema,
  StudyStateSchema,
  WarningKindSchema,
  type Study as WireStudy,
} from "./gen/asktell/v1/study_pb.js";
import { decodeSpec, type StudySpec } from "./spec.js";
import { decodeTime } from "./values.js";

/** A study as a server told it. */
export interface StudyInfo {
  /** "projects/{project}/studies/{study}". */
  readonly name: string;
  /** What it was created with, as changed since, with the defaults filled in. */
  readonly spec: StudySpec;
  readonly state: StudyState | undefined;
  readonly finishReason: FinishReason | undefined;
  readonly counts: TrialCounts;
  /** What is allowed and usually a mistake. */
  readonly warnings: readonly StudyWarning[];
  readonly createTime: Date | undefined;
  /** When the study itself, not its trials, last changed. */
  readonly updateTime: Date | undefined;
  readonly finishTime: Date | undefined;
  /** Changes with the specification or state. */
  readonly etag: string;
  /** Where `Study.watch` goes on from to see only what comes after this reading. */
  readonly cursor: string;
  /** The number of configurations in the space; undefined = infinite, or more than 2^53. */
  readonly configurationCount: number | undefined;
}

/** How many trials are in which state. */
export interface TrialCounts {
  readonly queued: number;
  readonly running: number;
  readonly succeeded: number;
  readonly stopped: number;
  readonly failed: number;
  readonly infeasible: number;
  readonly cancelled: number;
  readonly abandoned: number;
}

/** Something about a study that is allowed and usually a mistake. */
export interface StudyWarning {
  /** A name such as "GRID_EXCEEDS_BUDGET". */
  readonly kind: string;
  /** A path from the study. */
  readonly field: string;
  /** A sentence for people. */
  readonly message: string;
}

export function decodeStudy(wire: WireStudy): StudyInfo {
  const counts = wire.trialCounts;
  return {
    name: wire.name,
    spec: decodeSpec(wire),
    state: decodeEnum(StudyStateSchema, wire.state),
    finishReason: decodeEnum(FinishReasonSchema, wire.finishReason),
    counts: {
      queued: counts?.queued ?? 0,
      running: counts?.running ?? 0,
      succeeded: counts?.succeeded ?? 0,
      stopped: counts?.stopped ?? 0,
      failed: counts?.failed ?? 0,
      infeasible: counts?.infeasible ?? 0,
      cancelled: counts?.cancelled ?? 0,
      abandoned: counts?.abandoned ?? 0,
    },
    warnings: wire.warnings.map(({ kind, field, message }) => ({
      kind: decodeEnum(WarningKindSchema, kind) ?? "",
      field,
      message,
    })),
    createTime: decodeTime(wire.createTime),
    updateTime: decodeTime(wire.updateTime),
    finishTime: decodeTime(wire.finishTime),
    etag: wire.etag,
    cursor: wire.cursor,
    configurationCount: wire.configurationCount === undefined ? undefined : Number(wire.configurationCount),
  };
}
