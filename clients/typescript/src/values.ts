import { isMessage, type Message } from "@bufbuild/protobuf";

import type { Init, MessageOrInit, Typed } from "./init.js";
import type * as v1 from "./v1.js";

/** A configuration: a value for each parameter. Ints are numbers too, within ±2^53, where a number holds them exactly. */
export type Params = Readonly<Record<string, number | string | boolean>>;

/**
 * A configuration for a server. A number becomes what its parameter's domain is made of, an int or a double; a bigint
 * always becomes an int.
 */
export type ParamsInput = Readonly<
  Record<string, number | bigint | string | boolean | MessageOrInit<v1.ParameterValue>>
>;

/** Measured values by name, as numbers, or with their standard errors: `{ loss: { value: 0.3, standardError: 0.01 } }`. */
export type MetricsInput = Readonly<Record<string, number | MessageOrInit<v1.Metric>>>;

interface PlainFields {
  parameters: ParamsInput;
  metrics: MetricsInput;
}

/** A message M, or an object literal of it whose parameters and metrics may be plain values. */
export type Plain<M extends Message> =
  M | { readonly [F in keyof Init<M>]: F extends keyof PlainFields ? PlainFields[F] : Init<M>[F] };

/** The configuration of a trial, a suggestion or another message with parameters, as plain values, derived ones too. */
export function paramsOf<P = Params>(
  message: Typed<Pick<v1.Trial, "parameters"> & Partial<Pick<v1.Trial, "derivedParameters">>, P>,
): P {
  // A kind of value that is newer than this client is NaN.
  const plain = ({ kind: { value = NaN } }: v1.ParameterValue) => (typeof value === "bigint" ? Number(value) : value);
  return mapValues({ ...message.parameters, ...message.derivedParameters }, plain) as P; // the server keeps to the space that P was made from
}

/** Messages out of plain ones; the space says which numbers are doubles. */
export function encodePlain<M extends Message>(
  items: readonly Plain<M>[],
  space: v1.SearchSpace | undefined,
): MessageOrInit<M>[] {
  const doubles = new Set(space?.parameters.filter(isDouble).map(({ name }) => name));
  return items.map((item) => {
    if (isMessage(item)) {
      return item;
    }
    const { parameters = {}, metrics = {} } = item as Partial<PlainFields>;
    const values = mapValues(parameters, (value, name) => encodeValue(value, doubles.has(name)));
    return { ...item, parameters: values, metrics: encodeMetrics(metrics) } as unknown as Init<M>;
  });
}

function isDouble({ domain: { case: kind, value: domain } }: v1.Parameter): boolean {
  const discrete = kind === "discreteDomain" ? domain.values : [];
  return kind === "floatDomain" || discrete.some((value) => value.kind.case === "doubleValue");
}

const CASES = { number: "doubleValue", bigint: "intValue", string: "stringValue", boolean: "boolValue" } as const;

/** A value for the wire. Where no double is wanted, whole numbers are ints. */
export function encodeValue(value: ParamsInput[string], wantsDouble: boolean): MessageOrInit<v1.ParameterValue> {
  if (typeof value === "object") {
    return value;
  }
  const isInt = typeof value === "number" && !wantsDouble && Number.isInteger(value) && Math.abs(value) < 2 ** 63;
  const plain = isInt ? BigInt(value) : value;
  return { kind: { case: CASES[typeof plain as keyof typeof CASES], value: plain } } as Init<v1.ParameterValue>;
}

export function encodeMetrics(metrics: MetricsInput): Record<string, MessageOrInit<v1.Metric>> {
  return mapValues(metrics, (metric) => (typeof metric === "number" ? { value: metric } : metric));
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  convert: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value, key)]));
}
