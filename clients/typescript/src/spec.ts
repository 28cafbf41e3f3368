import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";

import { decodeLower, encodeEnum, type Goal, type Split } from "./enums.js";
import { invalid } from "./invalid.js";
import {
  AlgorithmSchema,
  GoalSchema,
  ObjectiveSchema,
  SplitSchema,
  StudySchema,
  type Algorithm as WireAlgorithm,
  type Objective as WireObjective,
  type Split as WireSplit,
  type Study as WireStudy,
} from "./gen/asktell/v1/study_pb.js";
import { decodeSpace, encodeSpace, type Space } from "./space.js";
import { decodeTime, encodeTime, int32, int64, mapValues } from "./values.js";

/** What a study is created with. What is left out is the server's default. */
export interface StudySpec<S extends Space = Space> {
  /** What may be varied. */
  readonly space: S;
  /** What is optimised: exactly one for now. */
  readonly objectives: readonly Objective[];
  /** Further metrics that trials log (a name alone is measured on validation data); never optimised. */
  readonly metrics?: readonly (string | TrackedMetric)[];
  /** How configurations are found. Default: "auto". */
  readonly algorithm?: Algorithm | Algorithm["type"];
  /** The study ends when so many trials have ended. */
  readonly maxTrials?: number;
  /** The study ends when the objective reaches this. */
  readonly target?: number;
  /** The study ends when so many trials in a row did not better the best one. */
  readonly patience?: number;
  /** The study ends at this time. */
  readonly deadline?: Date;
  /** How long a trial stays with a worker that is not heard of; Infinity = for ever (people, slow labs). Default: 60,000. */
  readonly leaseMs?: number;
  /** How many times a trial is started before it is given up. Default: 3. */
  readonly maxAttempts?: number;
  /** The most trials that run at once. Default: no limit. */
  readonly maxRunning?: number;
  /** How many times each configuration may be tried, for results that differ from run to run. Default: 1. */
  readonly replicates?: number;
  /**
   * The most trials that may end between the making of a suggestion and its start; 0: every suggestion knows all results.
   * Default: 0 with fewer than 6 trials running, above that by how unexpected results are.
   */
  readonly maxStaleness?: number;
  /** Of everything random in the study; 0 to 2^53 - 1. Default: the server draws one. */
  readonly seed?: number;
  /** A title for people. */
  readonly displayName?: string;
  /** Short and can be filtered by. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Free values, up to 64 KiB in all. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A metric to optimise. One on the test split is refused: it would be worthless as a test. */
export interface Objective {
  readonly metric: string;
  readonly goal: Goal;
  /** Default: "validation". */
  readonly split?: Split;
}

/** A metric that trials may log and that is never optimised. */
export interface TrackedMetric {
  readonly metric: string;
  /** Default: "validation". */
  readonly split?: Split;
}

/**
 * How configurations are found: "auto" lets the server choose, "manual" runs only what a person enqueues, "grid" runs
 * every point once (or `replicates` times), "random" draws uniformly, "sobol" the same without clumps, "bayesian" uses a Gaussian process and
 * log expected improvement.
 */
export type Algorithm =
  | { readonly type: "auto" | "manual" | "random" | "sobol" }
  | {
      readonly type: "grid";
      /** Points of each parameter without levels of its own. Default: 5. */
      readonly defaultLevels?: number;
      /** Points by parameter name. */
      readonly levels?: Readonly<Record<string, number>>;
    }
  | {
      readonly type: "bayesian";
      /** Space-filling trials before the model takes over. Default: 5. */
      readonly startTrials?: number;
    };

/** An objective of which less is better. */
export function minimize(metric: string, options: { readonly split?: Split } = {}): Objective {
  return { metric, goal: "minimize", ...options };
}

/** An objective of which more is better. */
export function maximize(metric: string, options: { readonly split?: Split } = {}): Objective {
  return { metric, goal: "maximize", ...options };
}

export function encodeSpec(spec: StudySpec): WireStudy {
  const { maxTrials, target, patience, deadline, leaseMs, maxAttempts, maxRunning, maxStaleness, seed } = spec;
  return create(StudySchema, {
    displayName: spec.displayName ?? "",
    searchSpace: encodeSpace(spec.space, "study.search_space"),
    objectives: encodeObjectives(spec.objectives, "study.objectives"),
    trackedMetrics: (spec.metrics ?? []).map((metric, index) => {
      const { metric: name, split } = typeof metric === "string" ? { metric, split: undefined } : metric;
      return { metric: name, split: encodeSplit(split, `study.tracked_metrics[${index}].split`) };
    }),
    algorithm: encodeAlgorithm(spec.algorithm, "study.algorithm"),
    stoppingRules: {
      ...(maxTrials === undefined ? {} : { maxTrials: int32(maxTrials, "study.stopping_rules.max_trials") }),
      ...(target === undefined ? {} : { targetValue: target }),
      ...(patience === undefined ? {} : { patienceTrials: int32(patience, "study.stopping_rules.patience_trials") }),
      ...(deadline === undefined ? {} : { deadline: encodeTime(deadline) }),
    },
    leasePolicy: {
      ...(leaseMs === undefined ? {} : { leaseDuration: encodeLease(leaseMs) }),
      maxAttempts: int32(maxAttempts ?? 0, "study.lease_policy.max_attempts"),
    },
    maxRunningTrials: int32(maxRunning ?? 0, "study.max_running_trials"),
    replicates: int32(spec.replicates ?? 0, "study.replicates"),
    ...(maxStaleness === undefined ? {} : { maxStaleness: int32(maxStaleness, "study.max_staleness") }),
    ...(seed === undefined ? {} : { seed: int64(seed, "study.seed") }),
    labels: { ...spec.labels },
    annotations: { ...spec.annotations },
  });
}

/** Zero is the wire's "for ever". It is also what a caller may write by mistake, so it is refused here. */
function encodeLease(leaseMs: number) {
  if (leaseMs === Infinity) {
    return durationFromMs(0);
  }
  if (!Number.isFinite(leaseMs) || leaseMs === 0) {
    throw invalid("study.lease_policy.lease_duration", `must be greater than 0, or Infinity, got ${leaseMs}`);
  }
  return durationFromMs(Math.round(leaseMs));
}

export function encodeObjectives(objectives: readonly Objective[], where: string): WireObjective[] {
  return objectives.map(({ metric, goal, split }, index) =>
    create(ObjectiveSchema, {
      metric,
      goal: encodeEnum(GoalSchema, goal as Goal | undefined, `${where}[${index}].goal`),
      split: encodeSplit(split, `${where}[${index}].split`),
    }),
  );
}

function encodeSplit(split: Split | undefined, where: string): WireSplit {
  return encodeEnum(SplitSchema, split ?? "validation", where);
}

export function encodeAlgorithm(algorithm: StudySpec["algorithm"], where: string): WireAlgorithm {
  const chosen: Algorithm = typeof algorithm === "string" ? { type: algorithm } : (algorithm ?? { type: "auto" });
  return create(AlgorithmSchema, { kind: algorithmKind(chosen, where) });
}

function algorithmKind(
  chosen: Algorithm,
  where: string,
): NonNullable<MessageInitShape<typeof AlgorithmSchema>["kind"]> {
  switch (chosen.type) {
    case "auto":
    case "manual":
    case "random":
    case "sobol":
      return { case: chosen.type, value: {} };
    case "grid": {
      const defaultLevels = int32(chosen.defaultLevels ?? 0, `${where}.grid.default_levels`);
      const levels = mapValues(chosen.levels ?? {}, (count, name) => int32(count, `${where}.grid.levels[${name}]`));
      return { case: "grid", value: { defaultLevels, levels } };
    }
    case "bayesian": {
      const startTrials = int32(chosen.startTrials ?? 0, `${where}.bayesian.start_trials`);
      return { case: "bayesian", value: { startTrials } };
    }
    default:
      throw invalid(where, "there is no such algorithm");
  }
}

/** The specification with the defaults filled in, so that what a server wrote out equals what a program left out. */
export function decodeSpec(wire: WireStudy): StudySpec {
  const { stoppingRules: rules, leasePolicy: policy, maxRunningTrials, maxStaleness, seed } = wire;
  const deadline = decodeTime(rules?.deadline);
  const lease = policy?.leaseDuration ? durationMs(policy.leaseDuration) || Infinity : 60_000;
  return {
    space: decodeSpace(wire.searchSpace),
    objectives: wire.objectives.map(({ metric, goal, split }) => ({
      metric,
      goal: decodeLower<Goal>(GoalSchema, goal) ?? "minimize",
      split: decodeSplit(split),
    })),
    metrics: wire.trackedMetrics.map(({ metric, split }) => ({ metric, split: decodeSplit(split) })),
    algorithm: decodeAlgorithm(wire.algorithm),
    ...(rules?.maxTrials === undefined ? {} : { maxTrials: rules.maxTrials }),
    ...(rules?.targetValue === undefined ? {} : { target: rules.targetValue }),
    ...(rules?.patienceTrials === undefined ? {} : { patience: rules.patienceTrials }),
    ...(deadline === undefined ? {} : { deadline }),
    leaseMs: lease,
    maxAttempts: policy?.maxAttempts || 3,
    ...(maxRunningTrials === 0 ? {} : { maxRunning: maxRunningTrials }),
    replicates: wire.replicates || 1, // 0: a server that knows of none
    ...(maxStaleness === undefined ? {} : { maxStaleness }),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    displayName: wire.displayName,
    labels: { ...wire.labels },
    annotations: { ...wire.annotations },
  };
}

function decodeSplit(wire: number): Split {
  return decodeLower<Split>(SplitSchema, wire) ?? "validation";
}

function decodeAlgorithm(wire: WireAlgorithm | undefined): Algorithm {
  const kind = wire?.kind;
  switch (kind?.case) {
    case "grid":
      return { type: "grid", defaultLevels: kind.value.defaultLevels || 5, levels: { ...kind.value.levels } };
    case "bayesian":
      return { type: "bayesian", startTrials: kind.value.startTrials || 5 };
    case undefined:
      return { type: "auto" };
    default:
      return { type: kind?.case ?? "auto" };
  }
}
