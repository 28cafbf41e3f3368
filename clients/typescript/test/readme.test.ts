// The README's code, kept so that the compiler sees it; the test says that it is the same text. Its whole program, the
// loop, is run by tests/readmes.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import {
  algorithm,
  categorical,
  type Client,
  float,
  int,
  maximize,
  paramsOf,
  space,
  type Study,
  type Trial,
} from "../src/index.js";
import { durationFromMs, TrialState } from "../src/v1.js";

export async function fromFile(client: Client) {
  await client.createStudyFromFile<{ lr: number }>("study.yaml", { existOk: true });
  const { name, warnings } = await client.checkStudyFile("study.yaml"); // stores nothing
  return { name, warnings };
}

export async function reporting(trial: Trial, epoch: number, loss: number): Promise<void> {
  const { shouldStop, leaseValid } = await trial.report(epoch, { val_loss: loss });
  if (!leaseValid) return; // called off, or with another worker: there is nothing to tell
  if (shouldStop) return trial.stop({ val_loss: loss });
}

export async function records(client: Client): Promise<void> {
  const slow = await client.createStudy("slow", {
    searchSpace: space({
      layers: int(1, 8, { default: 2 }),
      opt: categorical(["sgd", "adam"]),
      momentum: float(0, 0.99, { when: { opt: ["sgd"] } }),
    }),
    objectives: [maximize("accuracy")],
    trackedMetrics: [{ metric: "seconds" }],
    algorithm: algorithm("grid", { levels: { layers: 4 } }),
    leasePolicy: { leaseDuration: durationFromMs(3_600_000), maxAttempts: 1 },
  });
  await slow.enqueue([{ parameters: { opt: "adam", layers: 3 }, labels: { by: "hand" } }]);
  await slow.update({ stoppingRules: { maxTrials: 100 } });
  for await (const trial of slow.trials({ filter: { states: [TrialState.SUCCEEDED] } })) {
    console.log(trial.number, trial.params, trial.info.metrics["accuracy"]?.value);
  }
}

export async function changes(study: Study, signal: AbortSignal): Promise<void> {
  for await (const { cursor, change } of study.watch({ cursor: study.info.cursor, signal })) {
    if (change.case === "trial") console.log(cursor, paramsOf(change.value), TrialState[change.value.state]);
  }
}

test("the README's code is what is compiled here", async () => {
  const lines = (text: string) => text.split("\n").map((line) => line.trim());
  const readme = await readFile("clients/typescript/README.md", "utf8");
  const blocks = [...readme.matchAll(/```ts\n(?!\/\/ tune.mts)(.*?)```/gs)].map(([, block = ""]) => block);
  const source = new Set(lines(await readFile("clients/typescript/test/readme.test.ts", "utf8")));
  const wanted = lines(blocks.join("")).filter((line) => !line.startsWith("import "));
  assert.equal(blocks.length, 4);
  assert.ok(wanted.length > 20);
  assert.deepEqual(
    wanted.filter((line) => !source.has(line)),
    [],
  );
});
