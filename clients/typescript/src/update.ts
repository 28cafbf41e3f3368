import type { MessageInitShape } from "@bufbuild/protobuf";

import type { StudySchema } from "./gen/asktell/v1/study_pb.js";
import { encodeTime, int32 } from "./values.js";

/** What can be changed about a study; null takes a rule or limit away. */
export interface StudyChanges {
  /** The budget. */
  readonly maxTrials?: number | null;
  /** The value at which the study ends. */
  readonly target?: number | null;
  /** How many trials in a row may fail to better the best one. */
  readonly patience?: number | null;
  readonly deadline?: Date | null;
  /** The most trials that run at once. */
  readonly maxRunning?: number | null;
  /** The most trials that may end between the making of a suggestion and its start; null leaves it to the server. */
  readonly maxStaleness?: number | null;
  readonly displayName?: string;
  /** Replace all labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Replace all annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
}

const PATHS: Readonly<Record<keyof StudyChanges, string>> = {
  maxTrials: "stopping_rules.max_trials",
  target: "stopping_rules.target_value",
  patience: "stopping_rules.patience_trials",
  deadline: "stopping_rules.deadline",
  maxRunning: "max_running_trials",
  maxStaleness: "max_staleness",
  displayName: "display_name",
  labels: "labels",
  annotations: "annotations",
};

/** The new values, and the paths of what is to be changed. */
export function encodeChanges(changes: StudyChanges): { study: MessageInitShape<typeof StudySchema>; paths: string[] } {
  const { maxTrials, target, patience, deadline, maxStaleness } = changes;
  const study = {
    stoppingRules: {
      ...(maxTrials == null ? {} : { maxTrials: int32(maxTrials, "study.stopping_rules.max_trials") }),
      ...(target == null ? {} : { targetValue: target }),
      ...(patience == null ? {} : { patienceTrials: int32(patience, "study.stopping_rules.patience_trials") }),
      ...(deadline == null ? {} : { deadline: encodeTime(deadline) }),
    },
    maxRunningTrials: int32(changes.maxRunning ?? 0, "study.max_running_trials"),
    ...(maxStaleness == null ? {} : { maxStaleness: int32(maxStaleness, "study.max_staleness") }),
    displayName: changes.displayName ?? "",
    labels: { ...changes.labels },
    annotations: { ...changes.annotations },
  };
  const changed = (Object.keys(PATHS) as (keyof StudyChanges)[]).filter((key) => changes[key] !== undefined);
  return { study, paths: changed.map((key) => PATHS[key]) };
}
