import assert from "node:assert/strict";
import { test } from "node:test";

import { anyStopping, bool, categorical, discrete, earlyStopping, float, int, space } from "../src/index.js";
import * as v1 from "../src/v1.js";

test("rules of early stopping are messages", () => {
  const built = anyStopping(
    earlyStopping("median", { minSteps: 3n }, { metric: "acc", goal: "maximize", graceTrials: 10 }),
    earlyStopping("threshold", { max: 0 }),
    earlyStopping("hyperband", { minSteps: 1n, maxSteps: 81n }),
  );
  const wanted = v1.fromJson(v1.EarlyStoppingSchema, {
    any: {
      rules: [
        { median: { minSteps: "3" }, metric: "acc", goal: "GOAL_MAXIMIZE", graceTrials: 10 },
        { threshold: { max: 0 } },
        { hyperband: { minSteps: "1", maxSteps: "81" } },
      ],
    },
  });
  assert.deepEqual(v1.create(v1.EarlyStoppingSchema, built), wanted);
});

test("a parameter of every kind may be context", () => {
  const context = true;
  const built = space({
    a: float(0, 1, { context }),
    b: int(0, 1, { context }),
    c: discrete([1, 2], { context }),
    d: categorical(["x", "y"], { context }),
    e: bool({ context }),
    f: bool(),
  });
  const { parameters } = v1.create(v1.SearchSpaceSchema, built);
  assert.deepEqual(
    parameters.map((each) => each.context),
    [true, true, true, true, true, false],
  );
});
