import { create } from "@bufbuild/protobuf";

import { showAddress, type Settings } from "./settings.js";
import * as v1 from "./v1.js";
import { paramsOf } from "./values.js";

/** What `console.log` shows of an object, without an import of node:util. */
export const inspect = Symbol.for("nodejs.util.inspect.custom");

/** "localhost:50051 project default": nothing that is secret. */
export function showClient({ addresses, project }: Settings): string {
  return `${addresses.map(showAddress).join(",")} project ${project}`;
}

/** "projects/…/studies/lora ACTIVE, 12 trials ended, 2 running, budget 50, best: trial 7 with val_loss=0.31". */
export function showStudy(study: v1.Study, best: v1.Trial | undefined): string {
  const counts = study.trialCounts ?? create(v1.TrialCountsSchema);
  const { succeeded, stopped, failed, infeasible, cancelled, abandoned } = counts;
  const some = (["failed", "running", "queued"] as const).filter((state) => counts[state] > 0);
  const budget = study.stoppingRules?.maxTrials;
  const reason = study.finishReason === v1.FinishReason.UNSPECIFIED ? "" : ` (${v1.FinishReason[study.finishReason]})`;
  const ended = succeeded + stopped + failed + infeasible + cancelled + abandoned;
  return [
    `${study.name} ${v1.StudyState[study.state]}${reason}`,
    // Not "12 of 50": imported and cancelled trials have ended, and use nothing of the budget up.
    `${ended} ${ended === 1 ? "trial" : "trials"} ended`,
    ...some.map((state) => `${counts[state]} ${state}`),
    ...(budget === undefined ? [] : [`budget ${budget}`]),
    ...(best ? [`best: trial ${best.number} with ${showMetrics(best, study)}`] : []),
  ].join(", ");
}

/** "projects/…/trials/7 SUCCEEDED lr=0.0001 rank=8, val_loss=0.31", with the last line of why it failed. */
export function showTrial(trial: v1.Trial): string {
  const metrics = showMetrics(trial);
  const why = trial.reason.trim().split("\n").at(-1) ?? "";
  const text = `${trial.name} ${v1.TrialState[trial.state]} ${pairs(paramsOf(trial))}`;
  return `${text}${metrics === "" ? "" : `, ${metrics}`}${why === "" ? "" : `: ${why}`}`;
}

/** The metrics of a trial; with a study, its objectives alone. */
function showMetrics(trial: v1.Trial, study?: v1.Study): string {
  const names = study?.objectives.map(({ metric }) => metric) ?? Object.keys(trial.metrics).sort();
  return pairs(Object.fromEntries(names.map((name) => [name, trial.metrics[name]?.value ?? NaN])));
}

function pairs(values: Readonly<Record<string, unknown>>): string {
  return Object.keys(values)
    .map((name) => `${name}=${String(values[name])}`)
    .join(" ");
}
