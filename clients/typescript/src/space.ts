import { create, type MessageInitShape } from "@bufbuild/protobuf";

import { decodeLower, encodeEnum } from "./enums.js";
import { invalid } from "./invalid.js";
import {
  ParameterSchema,
  ScaleSchema,
  SearchSpaceSchema,
  type Parameter,
  type ParameterValue,
  type SearchSpace,
} from "./gen/asktell/v1/search_space_pb.js";
import { decodeValue, doubleValue, intValue, encodeParam } from "./values.js";

/** Which differences of a number count as equal steps. "reverse_log" resolves values near the maximum; floats only. */
export type Scale = "linear" | "log" | "reverse_log";

/** A real number in [min, max]; with a step, one of min, min + step … . */
export interface FloatDomain {
  readonly type: "float";
  readonly min: number;
  readonly max: number;
  readonly scale?: Scale;
  readonly step?: number;
  readonly default?: number;
}

/** A whole number in [min, max], both ends within ±2^53; with a step, one of min, min + step … . */
export interface IntDomain {
  readonly type: "int";
  readonly min: number;
  readonly max: number;
  readonly scale?: Exclude<Scale, "reverse_log">;
  readonly step?: number;
  readonly default?: number;
}

/** One of 2 to 1,000 numbers in rising order, whose distances do not matter. */
export interface DiscreteDomain<V extends number = number> {
  readonly type: "discrete";
  readonly values: readonly V[];
  /** What the numbers are for other languages. Default: "int" when all of them are whole. */
  readonly kind?: "int" | "float";
  readonly default?: V;
}

/** One of 2 to 1,000 names without an order. */
export interface CategoricalDomain<V extends string = string> {
  readonly type: "categorical";
  readonly values: readonly V[];
  readonly default?: V;
}

/** True or false. */
export interface BoolDomain {
  readonly type: "bool";
  readonly default?: boolean;
}

/** The values that a parameter may take. A default is known to work: the search starts from it. */
export type Domain = FloatDomain | IntDomain | DiscreteDomain | CategoricalDomain | BoolDomain;

/** What may be varied, by name, in the order in which tables show it. */
export type Space = Readonly<Record<string, Domain>>;

/** The type of a domain's values. */
export type ValueOf<D extends Domain> = D extends { readonly type: "discrete" | "categorical" }
  ? D["values"][number]
  : D extends { readonly type: "bool" }
    ? boolean
    : number;

/** The type of a space's configurations. */
export type ParamsOf<S extends Space> = { readonly [Name in keyof S]: ValueOf<S[Name]> };

type Options<D extends Domain> = Partial<Omit<D, "type" | "min" | "max" | "values">>;

/** A real number in [min, max]. */
export function float(min: number, max: number, options: Options<FloatDomain> = {}): FloatDomain {
  return { type: "float", min, max, ...options };
}

/** A whole number in [min, max]. */
export function int(min: number, max: number, options: Options<IntDomain> = {}): IntDomain {
  return { type: "int", min, max, ...options };
}

/** One of a list of numbers in rising order. */
export function discrete<const V extends number>(
  values: readonly V[],
  options: Options<DiscreteDomain<V>> = {},
): DiscreteDomain<V> {
  return { type: "discrete", values, ...options };
}

/** One of a set of names. */
export function categorical<const V extends string>(
  values: readonly V[],
  options: Options<CategoricalDomain<V>> = {},
): CategoricalDomain<V> {
  return { type: "categorical", values, ...options };
}

/** True or false. */
export function bool(options: Options<BoolDomain> = {}): BoolDomain {
  return { type: "bool", ...options };
}

/** Whether a discrete domain's numbers are ints to other languages. */
export function isWhole(domain: DiscreteDomain): boolean {
  return domain.kind === undefined ? domain.values.every(Number.isInteger) : domain.kind === "int";
}

type DomainInit = NonNullable<MessageInitShape<typeof ParameterSchema>["domain"]>;

export function encodeSpace(space: Space, where: string): SearchSpace {
  const parameters = Object.entries(space).map(([name, domain], index) => {
    const field = `${where}.parameters[${index}]`;
    return create(ParameterSchema, {
      name,
      domain: encodeDomain(domain, field),
      ...(domain.default === undefined
        ? {}
        : { defaultValue: encodeParam(domain.default, domain, `${field}.default_value`) }),
    });
  });
  return create(SearchSpaceSchema, { parameters });
}

function encodeDomain(domain: Domain, where: string): DomainInit {
  switch (domain.type) {
    case "float": {
      const { min, max, step } = domain;
      const scale = encodeEnum(ScaleSchema, domain.scale ?? "linear", `${where}.float_domain.scale`);
      return { case: "floatDomain", value: { min, max, scale, ...(step === undefined ? {} : { step }) } };
    }
    case "int": {
      const at = `${where}.int_domain`;
      const [min, max] = [whole(domain.min, `${at}.min`), whole(domain.max, `${at}.max`)];
      const scale = encodeEnum(ScaleSchema, domain.scale ?? "linear", `${at}.scale`);
      const step = domain.step === undefined ? {} : { step: whole(domain.step, `${at}.step`) };
      return { case: "intDomain", value: { min, max, scale, ...step } };
    }
    case "discrete": {
      const encode = isWhole(domain) ? intValue : doubleValue;
      return { case: "discreteDomain", value: { values: domain.values.map((value) => encode(value)) } };
    }
    case "categorical":
      return { case: "categoricalDomain", value: { values: [...domain.values] } };
    case "bool":
      return { case: "boolDomain", value: {} };
    default:
      throw invalid(where, "must be made by float, int, discrete, categorical or bool");
  }
}

function whole(value: number, where: string): bigint {
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 63) {
    throw invalid(where, `must be a whole number, got ${value}`);
  }
  return BigInt(value);
}

/** What a server wrote out as a default is left out again, so that equal spaces are equal values. */
export function decodeSpace(wire: SearchSpace | undefined): Space {
  const space: Record<string, Domain> = {};
  for (const parameter of wire?.parameters ?? []) {
    const domain = decodeDomain(parameter);
    if (domain) {
      space[parameter.name] = domain;
    }
  }
  return space;
}

function decodeDomain({ domain, defaultValue }: Parameter): Domain | undefined {
  const standard = { ...(defaultValue === undefined ? {} : { default: decodeValue(defaultValue) }) } as object;
  switch (domain.case) {
    case "floatDomain": {
      const { min, max, scale, step } = domain.value;
      return {
        ...float(min, max, { scale: decodeScale(scale), ...(step === undefined ? {} : { step }) }),
        ...standard,
      };
    }
    case "intDomain": {
      const { min, max, scale, step } = domain.value;
      // Every whole number is what no step means.
      const options = step === undefined || step === 1n ? {} : { step: Number(step) };
      const known = decodeScale(scale) === "log" ? "log" : "linear";
      return { ...int(Number(min), Number(max), { scale: known, ...options }), ...standard };
    }
    case "discreteDomain": {
      const kind = domain.value.values.every(isInt) ? "int" : "float";
      return {
        ...discrete(
          domain.value.values.map((value) => decodeValue(value) as number),
          { kind },
        ),
        ...standard,
      };
    }
    case "categoricalDomain":
      return { ...categorical(domain.value.values), ...standard };
    case "boolDomain":
      return { ...bool(), ...standard };
    default:
      return undefined; // newer than this client
  }
}

function decodeScale(wire: number): Scale {
  return decodeLower<Scale>(ScaleSchema, wire) ?? "linear";
}

function isInt({ kind }: ParameterValue): boolean {
  return kind.case === "intValue";
}
