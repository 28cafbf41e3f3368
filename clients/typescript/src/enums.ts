import type { DescEnum, EnumShape } from "@bufbuild/protobuf";

import { invalid } from "./invalid.js";

/** Where a study stands. */
export type StudyState = "ACTIVE" | "PAUSED" | "FINISHED";

/** Why a study is finished. */
export type FinishReason = "REQUESTED" | "MAX_TRIALS" | "TARGET" | "PATIENCE" | "DEADLINE" | "EXHAUSTED";

/** Where a trial stands: QUEUED → RUNNING → one of the others. */
export type TrialState =
  "QUEUED" | "RUNNING" | "SUCCEEDED" | "STOPPED" | "FAILED" | "INFEASIBLE" | "CANCELLED" | "ABANDONED";

/** How a trial ended, as it is told. */
export type Outcome = "SUCCEEDED" | "STOPPED" | "FAILED" | "INFEASIBLE";

/**
 * Where a configuration came from: START (space-filling start), MODEL, FALLBACK (space-filling, because the model
 * failed), PERSON (enqueued), IMPORT, SAMPLER (grid, random, Sobol).
 */
export type Origin = "START" | "MODEL" | "FALLBACK" | "PERSON" | "IMPORT" | "SAMPLER";

/** Whether less or more of an objective is better. */
export type Goal = "minimize" | "maximize";

/** The part of the data on which a metric is measured. */
export type Split = "validation" | "train" | "test";

/** The wire's number of a name; undefined is the zero value. */
export function encodeEnum<D extends DescEnum>(schema: D, value: string | undefined, where: string): EnumShape<D> {
  if (value === undefined) {
    return 0 as EnumShape<D>;
  }
  const found = schema.values.find(({ localName }) => localName === value.toUpperCase());
  if (!found) {
    throw invalid(where, `there is no "${value}"`);
  }
  return found.number as EnumShape<D>;
}

/** The name of the wire's number; undefined for the zero value and for values newer than this client. */
export function decodeEnum<T extends string>(schema: DescEnum, value: number): T | undefined {
  return (value === 0 ? undefined : schema.value[value]?.localName) as T | undefined;
}

/** The same for names that programs and study files write in lower case. */
export function decodeLower<T extends string>(schema: DescEnum, value: number): T | undefined {
  return decodeEnum(schema, value)?.toLowerCase() as T | undefined;
}
