// What people see of a handle: console.log, and its text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { status } from "@grpc/grpc-js";

import { Client, InvalidArgumentError, NoResultsError, StudyCompleteError } from "../src/index.js";
import { FinishReason, StudyState, TrialState } from "../src/v1.js";
import { Failure, STUDY, TestServer } from "./server.js";

const BEST = {
  name: `${STUDY}/trials/7`,
  number: 7n,
  state: TrialState.SUCCEEDED,
  parameters: {
    lr: { kind: { case: "doubleValue", value: 0.0001 } },
    rank: { kind: { case: "intValue", value: 8n } },
  },
  metrics: { val_loss: { value: 0.31 }, seconds: { value: 2 } },
};

const study = (ended: number, state: StudyState, finishReason: FinishReason) => ({
  name: STUDY,
  state,
  finishReason,
  objectives: [{ metric: "val_loss" }],
  stoppingRules: { maxTrials: 3 },
  trialCounts: { succeeded: ended, failed: 1, running: 3 - ended },
});

test("handles show where they stand, and no token", async () => {
  await using server = await TestServer.start({
    getStudy: (n) =>
      n === 1
        ? study(1, StudyState.ACTIVE, FinishReason.UNSPECIFIED)
        : study(3, StudyState.FINISHED, FinishReason.MAX_TRIALS),
    listBestTrials: () => ({ trials: [BEST] }),
    ask: () => {
      throw new Failure(status.FAILED_PRECONDITION, "STUDY_COMPLETE");
    },
  });
  await using client = new Client({ address: server.address, token: "hidden", project: "vision" });
  assert.equal(String(client), `${server.address} project vision`);
  assert.equal(inspect(client), `Client { ${server.address} project vision }`);

  const handle = await client.study("s");
  assert.equal(String(handle), `${STUDY} ACTIVE, 2 trials ended, 1 failed, 2 running, budget 3`);
  const best = await handle.bestTrial();
  assert.equal(inspect(best), `Trial { ${STUDY}/trials/7 SUCCEEDED lr=0.0001 rank=8, seconds=2 val_loss=0.31 }`);
  await assert.rejects(handle.ask(), StudyCompleteError);
  const shown = `${STUDY} FINISHED (MAX_TRIALS), 4 trials ended, 1 failed, budget 3, best: trial 7 with val_loss=0.31`;
  assert.equal(inspect(handle), `Study { ${shown} }`);
});

test("a study shows only a single feasible best trial", async () => {
  const best = { trials: [{ number: 7n, metrics: { loss: { value: 0.5 }, ms: { value: 3 } } }] };
  let answer: object = best;
  let isRefused = false;
  let objectives = [{ metric: "loss" }];
  await using server = await TestServer.start({
    getStudy: () => ({ name: STUDY, objectives, trialCounts: { succeeded: 1 } }),
    listBestTrials: () => {
      if (isRefused) {
        throw new Failure(status.INVALID_ARGUMENT, "INVALID_FIELD");
      }
      return answer;
    },
  });
  await using client = new Client({ address: server.address });
  const counted = `${STUDY} UNSPECIFIED, 1 trial ended`;
  const one = await client.study("s");
  assert.equal(String(one), counted);
  for (const unusable of [{ ...best, infeasible: true }, {}]) {
    answer = best;
    await one.bestTrial();
    assert.equal(String(one), `${counted}, best: trial 7 with loss=0.5`);
    isRefused = true;
    await assert.rejects(one.bestTrial(), InvalidArgumentError);
    assert.equal(String(one), `${counted}, best: trial 7 with loss=0.5`); // a refusal says nothing about it
    isRefused = false;
    answer = unusable;
    await assert.rejects(one.bestTrial(), NoResultsError);
    assert.equal(String(one), counted);
  }

  answer = best;
  objectives = [{ metric: "loss" }, { metric: "ms" }];
  const two = await client.study("s");
  assert.equal((await two.paretoFront()).length, 1);
  assert.equal(String(two), counted);
  await assert.rejects(two.bestTrial(), RangeError);
});
