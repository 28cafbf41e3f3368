import { create } from "@bufbuild/protobuf";

import { decodeEnum, encodeEnum, type Origin, type Outcome } from "./enums.js";
import {
  SuggestRequestSchema,
  type SuggestRequest,
  type SuggestResponse,
} from "./gen/asktell/v1/suggestion_service_pb.js";
import { OriginSchema, TrialStateSchema } from "./gen/asktell/v1/trial_pb.js";
import { encodeSpace, type Space } from "./space.js";
import { encodeAlgorithm, encodeObjectives, type StudySpec } from "./spec.js";
import { decodePrediction, type Prediction } from "./trial-info.js";
import {
  decodeParams,
  encodeMetrics,
  encodeParams,
  int32,
  int64,
  type MetricsInput,
  type Params,
  type ParamsInput,
} from "./values.js";

/** What `Client.suggest` is asked: what to optimise, and what is known about it. */
export interface Problem<S extends Space = Space> extends Pick<
  StudySpec<S>,
  "space" | "objectives" | "algorithm" | "replicates"
> {
  /** Configurations that have been run; at most 20,000. */
  readonly observations?: readonly Observation[];
  /** Configurations that are running now; suggestions keep away from them. At most 1,000. */
  readonly pending?: readonly ParamsInput[];
  /** How many suggestions there should be. Default: 1. */
  readonly count?: number;
  /** Of everything random. Default: 0. */
  readonly seed?: number;
  /** `warmStart` of an earlier answer for the same problem makes the next one faster. */
  readonly warmStart?: Uint8Array;
}

/** A configuration that has been run. */
export interface Observation {
  readonly params: ParamsInput;
  /** Default: "SUCCEEDED". */
  readonly outcome?: Outcome;
  readonly metrics?: MetricsInput;
}

/** The answer of `Client.suggest`. */
export interface Suggestions<P = Params> {
  readonly suggestions: readonly Suggestion<P>[];
  /** For the next call. */
  readonly warmStart: Uint8Array;
}

/** A configuration to run. */
export interface Suggestion<P = Params> {
  readonly params: P;
  readonly origin: Origin | undefined;
  /** What the model believes about it; undefined without a model. */
  readonly prediction: Prediction | undefined;
}

export function encodeProblem(problem: Problem): SuggestRequest {
  const { space, objectives, algorithm, observations = [], pending = [], count = 1, seed = 0, warmStart } = problem;
  return create(SuggestRequestSchema, {
    problem: {
      searchSpace: encodeSpace(space, "problem.search_space"),
      objectives: encodeObjectives(objectives, "problem.objectives"),
      algorithm: encodeAlgorithm(algorithm, "problem.algorithm"),
      replicates: int32(problem.replicates ?? 0, "problem.replicates"),
    },
    observations: observations.map(({ params, outcome, metrics = {} }, index) => ({
      parameters: encodeParams(params, space, `observations[${index}]`),
      state: encodeEnum(TrialStateSchema, outcome, `observations[${index}].outcome`),
      metrics: encodeMetrics(metrics),
    })),
    pending: pending.map((params, index) => ({ parameters: encodeParams(params, space, `pending[${index}]`) })),
    count: int32(count, "count"),
    seed: int64(seed, "seed"),
    ...(warmStart ? { warmStart: new Uint8Array(warmStart) } : {}),
  });
}

export function decodeSuggestions<P>({ suggestions, warmStart }: SuggestResponse): Suggestions<P> {
  return {
    suggestions: suggestions.map(({ parameters, origin, prediction }) => ({
      params: decodeParams(parameters) as P, // the server keeps to the space that P was made from
      origin: decodeEnum(OriginSchema, origin),
      prediction: decodePrediction(prediction),
    })),
    warmStart,
  };
}
