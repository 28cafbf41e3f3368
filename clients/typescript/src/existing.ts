import { isDeepStrictEqual } from "node:util";

import { type AsktellError, StudyExistsError } from "./errors.js";
import type { Study as WireStudy } from "./gen/asktell/v1/study_pb.js";
import type { Space } from "./space.js";
import { decodeSpec, type StudySpec } from "./spec.js";

/**
 * Refuses a stored study that is not what was wanted: something differs that can never be changed.
 *
 * @returns names of the rules that differ and can be changed.
 */
export function compareWithExisting(wanted: WireStudy, stored: WireStudy, exists: AsktellError): string[] {
  // Compared as decoded values, not as messages: a default that the server wrote out is no difference.
  const [mine, theirs] = [decodeSpec(wanted), decodeSpec(stored)];
  const fixed = fixedDifferences(mine, theirs, wanted);
  if (fixed.length > 0) {
    const message = `${stored.name} exists with another ${fixed.join(", ")}: choose another name, or delete it first`;
    throw new StudyExistsError(message, exists);
  }
  const rules = (["maxTrials", "target", "patience", "deadline", "maxRunning"] as const).filter(
    (rule) => !isDeepStrictEqual(mine[rule], theirs[rule]),
  );
  const staleness = mine.maxStaleness !== undefined && mine.maxStaleness !== theirs.maxStaleness;
  return [...rules, ...(staleness ? ["maxStaleness"] : [])];
}

/** What was left out of the wanted study is no difference. */
function fixedDifferences(mine: StudySpec, theirs: StudySpec, wanted: WireStudy): string[] {
  const parameters = differingParameters(mine.space, theirs.space);
  const differs: readonly (readonly [string, boolean])[] = [
    [`space (${parameters.join(", ")})`, parameters.length > 0],
    ["objectives", !isDeepStrictEqual(mine.objectives, theirs.objectives)],
    ["metrics", !isDeepStrictEqual(splits(mine), splits(theirs))],
    ["algorithm", !isDeepStrictEqual(mine.algorithm, theirs.algorithm)],
    ["leaseMs", wanted.leasePolicy?.leaseDuration !== undefined && mine.leaseMs !== theirs.leaseMs],
    ["maxAttempts", Boolean(wanted.leasePolicy?.maxAttempts) && mine.maxAttempts !== theirs.maxAttempts],
    ["replicates", wanted.replicates !== 0 && mine.replicates !== theirs.replicates],
    ["seed", wanted.seed !== undefined && mine.seed !== theirs.seed],
  ];
  return differs.filter(([, different]) => different).map(([name]) => name);
}

/** Names of parameters that are not the same; their order is for tables only. */
function differingParameters(mine: Space, theirs: Space): string[] {
  const names = new Set([...Object.keys(mine), ...Object.keys(theirs)]);
  return [...names].filter((name) => !isDeepStrictEqual(mine[name], theirs[name])).sort();
}

function splits({ metrics }: StudySpec): ReadonlyMap<string, unknown> {
  return new Map(
    (metrics ?? []).map((metric) => (typeof metric === "string" ? [metric, ""] : [metric.metric, metric.split])),
  );
}
