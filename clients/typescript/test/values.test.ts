import assert from "node:assert/strict";
import { test } from "node:test";

import { bool, categorical, discrete, float, int, type ParamsOf } from "../src/index.js";
import { readSettings } from "../src/settings.js";
import { decodeSpace, encodeSpace } from "../src/space.js";
import { decodeValue, encodeParam } from "../src/values.js";

test("the domain decides what a number is", () => {
  const kind = (value: unknown, domain?: Parameters<typeof encodeParam>[1]) => encodeParam(value, domain, "x").kind;
  assert.deepEqual(kind(3, int(0, 9)), { case: "intValue", value: 3n });
  assert.deepEqual(kind(3, float(0, 9)), { case: "doubleValue", value: 3 });
  assert.deepEqual(kind(2, discrete([0.5, 2])), { case: "doubleValue", value: 2 });
  assert.deepEqual(kind(2, discrete([1, 2])), { case: "intValue", value: 2n });
  assert.deepEqual(kind(2, discrete([1, 2], { kind: "float" })), { case: "doubleValue", value: 2 });
  assert.deepEqual(kind(2.5, int(0, 9)), { case: "doubleValue", value: 2.5 }); // for the server to refuse
  assert.deepEqual(kind(3n, float(0, 9)), { case: "intValue", value: 3n });
  assert.deepEqual(kind(true), { case: "boolValue", value: true });
  assert.throws(() => kind(null), /x: must be a number/);
  assert.throws(() => kind(2n ** 63n), /64 bits/);
});

test("ints of up to 2^53 and doubles keep their value", () => {
  for (const value of [2 ** 53, -(2 ** 53), 0]) {
    assert.equal(decodeValue(encodeParam(value, int(-1, 1), "x")), value);
  }
  assert.equal(decodeValue(encodeParam(5e-324, float(0, 1), "x")), 5e-324);
});

test("a space survives the wire", () => {
  const space = {
    lr: float(1e-5, 0.1, { scale: "log", default: 1e-3 }),
    layers: int(1, 8, { scale: "linear", step: 2 }),
    rank: discrete([4, 8], { kind: "int" }),
    kind: categorical(["a", "größer"], { default: "a" }),
    flag: bool({ default: false }),
  };
  assert.deepEqual(decodeSpace(encodeSpace(space, "space")), space);
  // The types of values follow from the space: this is checked by the compiler.
  const params: ParamsOf<typeof space> = { lr: 0.1, layers: 3, rank: 8, kind: "größer", flag: true };
  const category: "a" | "größer" = params.kind;
  assert.equal(category, "größer");
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
