import assert from "node:assert/strict";
import { test } from "node:test";

import { loadStudyFile, parseStudyFile, StudyFileError } from "../src/index.js";

const SHORT = `name: s
objectives: [{metric: loss, goal: minimize}]
parameters:
  x: {type: float, min: 0, max: 1}
`;

test("the example's study file", async () => {
  const { id, spec } = await loadStudyFile("examples/digits.yaml");
  assert.equal(id, "digits");
  assert.deepEqual(Object.keys(spec.space), ["lr", "l2", "batch_size", "epochs", "momentum"]);
  assert.deepEqual(spec.space["lr"], { type: "float", min: 1e-4, max: 1, scale: "log" });
  assert.deepEqual(spec.space["batch_size"], { type: "discrete", values: [16, 32, 64, 128], kind: "int" });
  assert.equal(spec.leaseMs, 30_000);
});

test("words that YAML takes for other things", () => {
  const { spec } = parseStudyFile(`${SHORT}  k: {type: categorical, values: [on, off, "1"]}
  f: {type: bool, default: yes}
  d: {type: discrete, values: [1.0, 2.0]}
lease: {duration_s: 0}
stopping: {deadline: 2030-12-01T12:00:00Z, target: 1e-5}
algorithm: {grid: {levels: {x: 3}}}
`);
  assert.deepEqual(spec.space["k"], { type: "categorical", values: ["on", "off", "1"] });
  assert.deepEqual(spec.space["f"], { type: "bool", default: true });
  assert.deepEqual(spec.space["d"], { type: "discrete", values: [1, 2], kind: "float" });
  assert.equal(spec.leaseMs, Infinity);
  assert.equal(spec.target, 1e-5);
  assert.deepEqual(spec.deadline, new Date("2030-12-01T12:00:00Z"));
  assert.deepEqual(spec.algorithm, { type: "grid", levels: { x: 3 } });
});

test("replicates and staleness", () => {
  const { spec } = parseStudyFile(`${SHORT}replicates: 3\nmax_staleness: 0\n`);
  assert.equal(spec.replicates, 3);
  assert.equal(spec.maxStaleness, 0);
  const standard = parseStudyFile(SHORT).spec;
  assert.ok(!("replicates" in standard) && !("maxStaleness" in standard));
});

test("mistakes are refused with their place", () => {
  const refused = (text: string, message: RegExp) => {
    assert.throws(
      () => parseStudyFile(text, "f.yaml"),
      (error) => error instanceof StudyFileError && message.test(error.message),
    );
  };
  refused(`${SHORT}budget: 3\n`, /^f\.yaml:5:1: unknown key "budget"/);
  refused(SHORT.replace("min: 0", "mim: 0"), /^f\.yaml:4:\d+: parameters\.x: unknown key "mim"/);
  refused(SHORT.replace("min: 0, ", ""), /min is missing/);
  refused(`${SHORT}name: t\n`, /^f\.yaml:5:1: /);
  refused(`${SHORT}seed: 9007199254740993\n`, /seed: must lie within ±2\^53/);
  refused(SHORT.replace("name: s", "name: 7"), /must be a string, got the number 7/);
  refused("", /is empty/);
  refused("name: [", /^f\.yaml:\d+/);
});
