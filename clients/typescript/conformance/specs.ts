// The runner speaks of studies and values in messages of the contract; here they become the client's own.
import type { DescEnum } from "@bufbuild/protobuf";
import { durationMs, timestampDate } from "@bufbuild/protobuf/wkt";

import * as asktell from "../src/index.js";
import {
  ScaleSchema,
  type Parameter,
  type ParameterValue,
  type SearchSpace,
} from "../src/gen/asktell/v1/search_space_pb.js";
import { GoalSchema, SplitSchema, type Algorithm, type Objective, type Study } from "../src/gen/asktell/v1/study_pb.js";
import type { SuggestRequest } from "../src/gen/asktell/v1/suggestion_service_pb.js";
import { TrialStateSchema, type Metric } from "../src/gen/asktell/v1/trial_pb.js";
import { TellOutcomeSchema, type EnqueuedTrial, type ImportedTrial } from "../src/gen/asktell/v1/trial_service_pb.js";

type Init<T> = { -readonly [K in keyof T]: T[K] };

/** The name of a wire enum's value; undefined for the zero value. */
function nameOf<T extends string>(schema: DescEnum, value: number): T | undefined {
  return (value === 0 ? undefined : schema.value[value]?.localName) as T | undefined;
}

export function decodeOutcome(wire: number): asktell.Outcome | undefined {
  return nameOf(TellOutcomeSchema, wire);
}

export function decodeState(wire: number): asktell.TrialState {
  return nameOf<asktell.TrialState>(TrialStateSchema, wire) ?? "QUEUED";
}

export function decodeMetrics(wire: Readonly<Record<string, Metric>>): asktell.MetricsInput {
  const entries = Object.entries(wire).map(([name, { value, standardError }]) => {
    return [name, standardError === undefined ? value : { value, standardError }] as const;
  });
  return Object.fromEntries(entries);
}

/** An int stays recognisable as one; a double becomes a number, of which the client makes what the domain says. */
function decodeParams(wire: Readonly<Record<string, ParameterValue>>): asktell.ParamsInput {
  const entries = Object.entries(wire).map(([name, { kind }]) => [name, kind.value ?? NaN] as const);
  return Object.fromEntries(entries);
}

export function decodeQueued(wire: readonly EnqueuedTrial[]): asktell.QueuedTrial[] {
  return wire.map(({ parameters, labels, annotations }) => ({
    params: decodeParams(parameters),
    labels,
    annotations,
  }));
}

export function decodeImported(wire: readonly ImportedTrial[]): asktell.ImportedTrial[] {
  return wire.map((trial) => {
    const outcome = decodeOutcome(trial.outcome);
    return {
      key: trial.importKey,
      params: decodeParams(trial.parameters),
      ...(outcome === undefined ? {} : { outcome }),
      metrics: decodeMetrics(trial.metrics),
      reason: trial.reason,
      labels: trial.labels,
      annotations: trial.annotations,
    };
  });
}

export function decodeSpec(wire: Study | undefined): asktell.StudySpec {
  const spec: Init<asktell.StudySpec> = {
    space: decodeSpace(wire?.searchSpace),
    objectives: decodeObjectives(wire?.objectives ?? []),
    metrics: (wire?.trackedMetrics ?? []).map(({ metric, split }) => ({ metric, ...decodeSplit(split) })),
    algorithm: decodeAlgorithm(wire?.algorithm),
    displayName: wire?.displayName ?? "",
    labels: wire?.labels ?? {},
    annotations: wire?.annotations ?? {},
  };
  const { stoppingRules: rules, leasePolicy: lease, seed } = wire ?? {};
  if (rules?.maxTrials !== undefined) {
    spec.maxTrials = rules.maxTrials;
  }
  if (rules?.targetValue !== undefined) {
    spec.target = rules.targetValue;
  }
  if (rules?.patienceTrials !== undefined) {
    spec.patience = rules.patienceTrials;
  }
  if (rules?.deadline) {
    spec.deadline = timestampDate(rules.deadline);
  }
  if (lease?.leaseDuration) {
    spec.leaseMs = durationMs(lease.leaseDuration) || Infinity;
  }
  if (lease?.maxAttempts) {
    spec.maxAttempts = lease.maxAttempts;
  }
  if (wire?.maxRunningTrials) {
    spec.maxRunning = wire.maxRunningTrials;
  }
  if (wire?.replicates) {
    spec.replicates = wire.replicates;
  }
  if (wire?.maxStaleness !== undefined) {
    spec.maxStaleness = wire.maxStaleness;
  }
  if (seed !== undefined) {
    spec.seed = Number(seed);
  }
  return spec;
}

function decodeObjectives(wire: readonly Objective[]): asktell.Objective[] {
  return wire.map(({ metric, goal, split }) => {
    // A goal that is not set stays so: to refuse it is the server's part.
    const name = nameOf(GoalSchema, goal)?.toLowerCase() as asktell.Goal;
    return { metric, goal: name, ...decodeSplit(split) };
  });
}

function decodeSplit(wire: number): { split?: asktell.Split } {
  const split = nameOf(SplitSchema, wire)?.toLowerCase() as asktell.Split | undefined;
  return split === undefined ? {} : { split };
}

function decodeAlgorithm(wire: Algorithm | undefined): asktell.Algorithm {
  const kind = wire?.kind;
  switch (kind?.case) {
    case "grid":
      return { type: "grid", defaultLevels: kind.value.defaultLevels, levels: kind.value.levels };
    case "bayesian":
      return { type: "bayesian", startTrials: kind.value.startTrials };
    default:
      return { type: kind?.case ?? "auto" };
  }
}

function decodeSpace(wire: SearchSpace | undefined): asktell.Space {
  return Object.fromEntries((wire?.parameters ?? []).map((each) => [each.name, decodeDomain(each)]));
}

function decodeDomain({ domain, defaultValue }: Parameter): asktell.Domain {
  const kind = defaultValue?.kind;
  const value = kind?.case === "intValue" ? Number(kind.value) : kind?.value;
  const standard: object = value === undefined ? {} : { default: value }; // of the type that its domain has
  switch (domain.case) {
    case "floatDomain": {
      const { min, max, step, scale } = domain.value;
      const options = { ...scaleOf<asktell.Scale>(scale), ...(step === undefined ? {} : { step }), ...standard };
      return asktell.float(min, max, options);
    }
    case "intDomain": {
      const { min, max, step, scale } = domain.value;
      const steps = step === undefined ? {} : { step: Number(step) };
      return asktell.int(Number(min), Number(max), {
        ...scaleOf<"linear" | "log">(scale),
        ...steps,
        ...standard,
      });
    }
    case "discreteDomain": {
      const whole = domain.value.values.every((each) => each.kind.case === "intValue");
      const numbers = domain.value.values.map((each) => Number(each.kind.value));
      return asktell.discrete(numbers, { kind: whole ? "int" : "float", ...standard });
    }
    case "categoricalDomain":
      return asktell.categorical(domain.value.values, standard);
    default:
      return asktell.bool(standard);
  }
}

function scaleOf<T extends asktell.Scale>(wire: number): { scale?: T } {
  const name = nameOf(ScaleSchema, wire)?.toLowerCase() as T | undefined;
  return name === undefined ? {} : { scale: name };
}

export function decodeProblem(wire: SuggestRequest | undefined): asktell.Problem {
  return {
    space: decodeSpace(wire?.problem?.searchSpace),
    objectives: decodeObjectives(wire?.problem?.objectives ?? []),
    algorithm: decodeAlgorithm(wire?.problem?.algorithm),
    replicates: wire?.problem?.replicates ?? 0,
    observations: (wire?.observations ?? []).map(({ parameters, state, metrics }) => {
      const outcome = nameOf<asktell.Outcome>(TrialStateSchema, state);
      return {
        params: decodeParams(parameters),
        ...(outcome === undefined ? {} : { outcome }),
        metrics: decodeMetrics(metrics),
      };
    }),
    pending: (wire?.pending ?? []).map(({ parameters }) => decodeParams(parameters)),
    count: wire?.count ?? 0,
    seed: Number(wire?.seed ?? 0n),
    warmStart: wire?.warmStart ?? new Uint8Array(),
  };
}
