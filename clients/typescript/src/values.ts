import { create } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate, type Timestamp } from "@bufbuild/protobuf/wkt";

import { invalid } from "./invalid.js";
import { ParameterValueSchema, type ParameterValue } from "./gen/asktell/v1/search_space_pb.js";
import { MetricSchema, type Metric } from "./gen/asktell/v1/trial_pb.js";
import { isWhole, type Domain, type Space } from "./space.js";

/**
 * A configuration: a value for each parameter. Ints are numbers too: domains keep within ±2^53, where a number holds
 * every int exactly.
 */
export type Params = Readonly<Record<string, number | string | boolean>>;

/**
 * A configuration for a server. A number goes as what its parameter's domain is made of (an int, or a double); a
 * bigint is always an int.
 */
export type ParamsInput = Readonly<Record<string, number | bigint | string | boolean>>;

/** Measured values by name. NaN and infinities are for the server to refuse, in the same words everywhere. */
export type Metrics = Readonly<Record<string, number>>;

/** A value and its standard error, where that is known. */
export interface MetricValue {
  readonly value: number;
  readonly standardError?: number;
}

/** Measured values by name, as they are told. */
export type MetricsInput = Readonly<Record<string, number | MetricValue>>;

export function encodeParams(params: ParamsInput, space: Space, where: string): Record<string, ParameterValue> {
  return mapValues(params, (value, name) => encodeParam(value, space[name], `${where}.params[${name}]`));
}

/** The domain decides what a number is; without one, whole numbers are ints. */
export function encodeParam(value: unknown, domain: Domain | undefined, where: string): ParameterValue {
  switch (typeof value) {
    case "number": {
      const wantsDouble = domain?.type === "float" || (domain?.type === "discrete" && !isWhole(domain));
      return wantsDouble || !Number.isInteger(value) || Math.abs(value) >= 2 ** 63
        ? doubleValue(value)
        : intValue(value);
    }
    case "bigint":
      if (BigInt.asIntN(64, value) !== value) {
        throw invalid(where, `must fit 64 bits, got ${value}`);
      }
      return create(ParameterValueSchema, { kind: { case: "intValue", value } });
    case "string":
      return create(ParameterValueSchema, { kind: { case: "stringValue", value } });
    case "boolean":
      return create(ParameterValueSchema, { kind: { case: "boolValue", value } });
    default:
      throw invalid(where, `must be a number, a string or a boolean, got ${typeof value}`);
  }
}

export function intValue(value: number): ParameterValue {
  return create(ParameterValueSchema, { kind: { case: "intValue", value: BigInt(value) } });
}

export function doubleValue(value: number): ParameterValue {
  return create(ParameterValueSchema, { kind: { case: "doubleValue", value } });
}

export function decodeParams(wire: Readonly<Record<string, ParameterValue>>): Params {
  return mapValues(wire, decodeValue);
}

export function decodeValue({ kind }: ParameterValue): number | string | boolean {
  if (kind.case === undefined) {
    return NaN; // of a kind that is newer than this client
  }
  return kind.case === "intValue" ? Number(kind.value) : kind.value;
}

export function encodeMetrics(metrics: MetricsInput): Record<string, Metric> {
  return mapValues(metrics, (metric) => create(MetricSchema, typeof metric === "number" ? { value: metric } : metric));
}

export function decodeMetrics(wire: Readonly<Record<string, Metric>>): Metrics {
  return mapValues(wire, (metric) => metric.value);
}

/** Standard errors of the metrics that have one. */
export function decodeStandardErrors(wire: Readonly<Record<string, Metric>>): Metrics {
  const known: Record<string, number> = {};
  for (const [name, { standardError }] of Object.entries(wire)) {
    if (standardError !== undefined) {
      known[name] = standardError;
    }
  }
  return known;
}

/** A count, which is 32 bits wide on the wire. */
export function int32(value: number, where: string): number {
  if ((value | 0) !== value) {
    throw invalid(where, `must be a whole number of 32 bits, got ${value}`);
  }
  return value;
}

/** A whole number that is 64 bits wide on the wire. */
export function int64(value: number, where: string): bigint {
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 53) {
    throw invalid(where, `must be a whole number within ±2^53, got ${value}`);
  }
  return BigInt(value);
}

export function encodeTime(time: Date): Timestamp {
  return timestampFromDate(time);
}

export function decodeTime(wire: Timestamp | undefined): Date | undefined {
  return wire && timestampDate(wire);
}

export function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  convert: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value, key)]));
}
