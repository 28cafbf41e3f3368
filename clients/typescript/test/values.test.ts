import assert from "node:assert/strict";
import { test } from "node:test";

import {
  algorithm,
  bool,
  categorical,
  derived,
  discrete,
  float,
  int,
  InvalidArgumentError,
  maximize,
  minimize,
  normalPrior,
  paramsOf,
  space,
  weightsPrior,
  type Domain,
  type ParamsOf,
  type StudyInit,
} from "../src/index.js";
import { readSettings } from "../src/settings.js";
import * as v1 from "../src/v1.js";
import { encodePlain } from "../src/values.js";

/** Whether two types are the same, to the last `undefined`. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function kindOf(value: unknown, domain?: Domain): unknown {
  const searchSpace = v1.create(v1.SearchSpaceSchema, domain === undefined ? {} : space({ x: domain }));
  const [encoded] = encodePlain<v1.Configuration>([{ parameters: { x: value as number } }], searchSpace);
  return encoded?.parameters?.["x"]?.kind;
}

test("the domain decides what a number is", () => {
  assert.deepEqual(kindOf(3, int(0, 9)), { case: "intValue", value: 3n });
  assert.deepEqual(kindOf(3, float(0, 9)), { case: "doubleValue", value: 3 });
  assert.deepEqual(kindOf(2, discrete([0.5, 2])), { case: "doubleValue", value: 2 });
  assert.deepEqual(kindOf(2, discrete([1, 2])), { case: "intValue", value: 2n });
  assert.deepEqual(kindOf(2, discrete([1, 2], { kind: "float" })), { case: "doubleValue", value: 2 });
  assert.deepEqual(kindOf(2.5, int(0, 9)), { case: "doubleValue", value: 2.5 }); // for the server to refuse
  assert.deepEqual(kindOf(3n, float(0, 9)), { case: "intValue", value: 3n });
  assert.deepEqual(kindOf(true), { case: "boolValue", value: true });
  assert.deepEqual(kindOf({ kind: { case: "intValue", value: 4n } }, float(0, 9)), { case: "intValue", value: 4n });
});

test("derived parameters are delivered with the configuration", () => {
  const built = space({ x: int(1, 9), twice: derived("2 * x") });
  assert.deepEqual(
    v1.create(v1.SearchSpaceSchema, built).derivedParameters.map(({ name, expression }) => [name, expression]),
    [["twice", "2 * x"]],
  );
  const value = (whole: bigint) => ({ kind: { case: "intValue", value: whole } }) as const;
  const trial = v1.create(v1.TrialSchema, { parameters: { x: value(4n) }, derivedParameters: { twice: value(8n) } });
  assert.deepEqual(paramsOf(trial), { x: 4, twice: 8 });
  const same: Same<ParamsOf<{ x: Domain<number>; twice: ReturnType<typeof derived> }>["twice"], number> = true;
  assert.ok(same);
});

test("other categories than strings are pointed to their domain", () => {
  const refusal = (values: unknown) => {
    const domain = categorical(values as string[]);
    let message = "";
    assert.throws(
      () => space({ size: domain }),
      (error: unknown) => error instanceof InvalidArgumentError && (message = error.message) !== "",
    );
    return message;
  };
  assert.equal(
    refusal([16, 32, null]),
    'space.size: categories are strings, got 16, 32, null; discrete([…]) takes numbers; a category such as "none" stands for null',
  );
  assert.equal(refusal([true, "x"]), "space.size: categories are strings, got true; bool() is true or false");
});

test("ints of up to 2^53 and doubles keep their value", () => {
  const back = (value: number, domain: Domain) => {
    const [encoded = {}] = encodePlain<v1.Configuration>(
      [{ parameters: { x: value } }],
      v1.create(v1.SearchSpaceSchema, space({ x: domain })),
    );
    return paramsOf(v1.create(v1.ConfigurationSchema, encoded))["x"];
  };
  for (const value of [2 ** 53, -(2 ** 53), 0]) {
    assert.equal(back(value, int(-1, 1)), value);
  }
  assert.equal(back(5e-324, float(0, 1)), 5e-324);
  assert.equal(back(0.1, float(0, 1)), 0.1);
});

test("messages and metrics with standard errors pass as they are", () => {
  const message = v1.create(v1.ObservationSchema, { parameters: { x: { kind: { case: "intValue", value: 1n } } } });
  const metrics = { loss: 0.5, time: { value: 2, standardError: 0.1 } };
  const [first, second] = encodePlain<v1.Observation>([message, { parameters: { x: 1 }, metrics }], undefined);
  assert.equal(first, message);
  assert.deepEqual(second?.metrics, { loss: { value: 0.5 }, time: { value: 2, standardError: 0.1 } });
});

test("builders make messages of the contract", () => {
  const domains = {
    lr: float(1e-5, 0.1, { scale: "log", default: 1 }),
    layers: int(1, 8, { step: 2, default: 3, prior: normalPrior(4, 0.2) }),
    rank: discrete([4, 8], { kind: "float", default: 8 }),
    kind: categorical(["a", "größer"], { default: "a", prior: weightsPrior([1, 3]) }),
    flag: { ...bool({ default: false }), condition: { parent: "kind" } },
  };
  const study: StudyInit<ParamsOf<typeof domains>> = {
    searchSpace: space(domains),
    objectives: [minimize("loss"), maximize("accuracy", { split: "train", reference: 0.5 })],
    algorithm: algorithm("grid", { levels: { lr: 3 } }),
  };
  assert.deepEqual(v1.toJson(v1.StudySchema, v1.create(v1.StudySchema, study)), {
    searchSpace: {
      parameters: [
        { name: "lr", floatDomain: { min: 1e-5, max: 0.1, scale: "SCALE_LOG" }, defaultValue: { doubleValue: 1 } },
        {
          name: "layers",
          intDomain: { min: "1", max: "8", scale: "SCALE_LINEAR", step: "2" },
          defaultValue: { intValue: "3" },
          prior: { normal: { mean: 4, relativeStandardDeviation: 0.2 } },
        },
        {
          name: "rank",
          discreteDomain: { values: [{ doubleValue: 4 }, { doubleValue: 8 }] },
          defaultValue: { doubleValue: 8 },
        },
        {
          name: "kind",
          categoricalDomain: { values: ["a", "größer"] },
          defaultValue: { stringValue: "a" },
          prior: { weights: { weights: [1, 3] } },
        },
        { name: "flag", boolDomain: {}, defaultValue: { boolValue: false }, condition: { parent: "kind" } },
      ],
    },
    objectives: [
      { metric: "loss", goal: "GOAL_MINIMIZE", split: "SPLIT_VALIDATION" },
      { metric: "accuracy", goal: "GOAL_MAXIMIZE", split: "SPLIT_TRAIN", referenceValue: 0.5 },
    ],
    algorithm: { grid: { levels: { lr: 3 } } },
  });
  // The types of values follow from the space: this is checked by the compiler.
  const params: ParamsOf<typeof domains> = { lr: 0.1, layers: 3, rank: 8, kind: "größer", flag: true };
  const category: "a" | "größer" = params.kind;
  assert.equal(category, "größer");
});

test("a parameter may exist only while another one has certain values", () => {
  const domains = {
    opt: categorical(["sgd", "adam"], { when: { layers: [2, 3] } }),
    momentum: float(0, 0.99, { when: { opt: ["sgd"] }, default: 0.9 }),
    width: int(1, 9, { when: { rate: [0.5, 1] } }),
    rank: discrete([4, 8], { when: { flag: [false] } }),
    nesterov: bool({ when: { opt: ["sgd"] } }),
    layers: int(1, 3),
  };
  const message = v1.toJson(v1.SearchSpaceSchema, v1.create(v1.SearchSpaceSchema, space(domains)));
  const { parameters } = message as { parameters: { name: string; condition?: object }[] };
  const conditions = Object.fromEntries(parameters.map(({ name, condition }) => [name, condition]));
  assert.deepEqual(conditions, {
    opt: { parent: "layers", values: [{ intValue: "2" }, { intValue: "3" }] },
    momentum: { parent: "opt", values: [{ stringValue: "sgd" }] },
    width: { parent: "rate", values: [{ doubleValue: 0.5 }, { intValue: "1" }] },
    rank: { parent: "flag", values: [{ boolValue: false }] },
    nesterov: { parent: "opt", values: [{ stringValue: "sgd" }] },
    layers: undefined,
  });
  // Only what has a condition may be undefined: this is checked by the compiler.
  interface Expected {
    readonly opt: "sgd" | "adam" | undefined;
    readonly momentum: number | undefined;
    readonly width: number | undefined;
    readonly rank: 4 | 8 | undefined;
    readonly nesterov: boolean | undefined;
    readonly layers: number;
  }
  const same: Same<ParamsOf<typeof domains>, Expected> = true;
  assert.ok(same);
});

test("a condition that names no single parameter with a list of values is refused", () => {
  const refusal = (when: object) => {
    let message = "";
    assert.throws(
      () => bool({ when: when as Record<string, string[]> }),
      (error: unknown) => error instanceof InvalidArgumentError && (message = error.message) !== "",
    );
    return message;
  };
  assert.equal(refusal({}), "when must name one parameter, got none");
  assert.equal(refusal({ opt: ["sgd"], layers: [2] }), "when must name one parameter, got opt, layers");
  assert.equal(refusal({ opt: "sgd" }), 'when.opt must be a list of values, got "sgd"');
});

test("what no message can hold is refused where it is written", () => {
  assert.throws(() => int(0.5, 2), RangeError);
  assert.throws(() => float(0, 1, { scale: "logarithmic" as "log" }), InvalidArgumentError);
});

test("addresses", () => {
  const addresses = (address: string) => readSettings({ address }).addresses;
  assert.deepEqual(addresses("a:1, b,[::1]:2"), [
    { host: "a", port: 1 },
    { host: "b", port: 50051 },
    { host: "::1", port: 2 },
  ]);
  for (const wrong of ["http://a:1", "a:b", "a:0", "a:70000", "::1"]) {
    assert.throws(() => addresses(wrong), RangeError);
  }
});
