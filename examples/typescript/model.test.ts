import assert from "node:assert/strict";
import { test } from "node:test";

import { readDigits } from "./data.js";
import { Model } from "./model.js";

const digits = await readDigits("examples/data/digits.csv");

test("training learns", () => {
  assert.deepEqual([digits.train.length, digits.validation.length], [1078, 359]);
  const model = new Model({ lr: 0.05, l2: 1e-4, batch_size: 32, epochs: 5, momentum: 0.9 });
  assert.ok(Math.abs(model.evaluate(digits.validation).loss - Math.log(10)) < 1e-9, "a model that knows nothing");
  for (let epoch = 0; epoch < 5; epoch++) {
    model.train(digits.train);
  }
  const { loss, accuracy } = model.evaluate(digits.validation);
  assert.ok(loss < 0.5 && accuracy > 0.85, `loss ${loss}, accuracy ${accuracy}`);
});
