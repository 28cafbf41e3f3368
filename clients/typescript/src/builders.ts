import type { Message } from "@bufbuild/protobuf";

import { InvalidArgumentError } from "./errors.js";
import type { Init, MessageOrInit, Typed } from "./init.js";
import * as v1 from "./v1.js";
import { encodeValue, type Params } from "./values.js";

/** A `v1.Parameter` without its name, with values of type V; a spread adds further fields. */
export type Domain<V = unknown> = Typed<Omit<Init<v1.Parameter>, "name">, V>;

/** What may be varied, by name, in the order in which tables show it. */
export type Space = Readonly<Record<string, Domain>>;

/** The type of a space's configurations. */
export type ParamsOf<S extends Space> = { readonly [Name in keyof S]: S[Name] extends Domain<infer V> ? V : never };

/** A message with a search space whose configurations are of type P. */
type WithSpace<M, P> = M & { readonly searchSpace?: Typed<MessageOrInit<v1.SearchSpace>, P> | undefined };

/** A `v1.Study` whose configurations are of type P. */
export type StudyInit<P = Params> = WithSpace<MessageOrInit<v1.Study>, P>;

/** A `v1.Problem` whose configurations are of type P. */
export type ProblemInit<P = Params> = WithSpace<MessageOrInit<v1.Problem>, P>;

/** Names of an enumeration's values in lower case, as study files have them. */
type NameOf<E> = Exclude<Lowercase<keyof E & string>, "unspecified">;

/** Fields of a domain D, and a default that is known to work: the search starts from it. */
type Options<D extends Message, V> = Omit<Init<D>, Given> & { readonly default?: V };
type Given = "$typeName" | "min" | "max" | "scale" | "step" | "values";

type RangeOptions<D extends Message> = Options<D, number> & {
  /** Which differences of a number count as equal steps. "reverse_log" resolves values near the maximum; floats only. */
  readonly scale?: NameOf<typeof v1.Scale>;
  /** Only min, min + step … are taken. */
  readonly step?: number;
};

/** A search space of parameters by name. */
export function space<const S extends Space>(domains: S): Typed<Init<v1.SearchSpace>, ParamsOf<S>> {
  return {
    parameters: Object.entries(domains).map(([name, domain]) => {
      requireCategories(name, domain);
      return { ...domain, name };
    }),
  };
}

/** Throws when there are other categories than strings, as JavaScript lets them through, and says which domain takes them. */
function requireCategories(name: string, { domain }: Domain): void {
  const values: readonly unknown[] = domain?.case === "categoricalDomain" ? (domain.value.values ?? []) : [];
  const others = values.filter((value) => typeof value !== "string");
  if (others.length === 0) {
    return;
  }
  const advice = [
    ...(others.some((value) => typeof value === "number") ? ["discrete([…]) takes numbers"] : []),
    ...(others.some((value) => typeof value === "boolean") ? ["bool() is true or false"] : []),
    ...(others.some((value) => value == null) ? ['a category such as "none" stands for null'] : []),
  ];
  const got = others.slice(0, 3).map(String).join(", ");
  throw new InvalidArgumentError([`space.${name}: categories are strings, got ${got}`, ...advice].join("; "));
}

/** A real number in [min, max]. */
export function float(min: number, max: number, options: RangeOptions<v1.FloatDomain> = {}): Domain<number> {
  const { scale = "linear", default: start, ...more } = options;
  return parameter({ case: "floatDomain", value: { ...more, min, max, scale: valueOf(v1.Scale, scale) } }, start, true);
}

/** A whole number in [min, max], both ends within ±2^53. */
export function int(min: number, max: number, options: RangeOptions<v1.IntDomain> = {}): Domain<number> {
  const { scale = "linear", step, default: start, ...more } = options;
  const range = { min: BigInt(min), max: BigInt(max), step: step === undefined ? step : BigInt(step) };
  return parameter({ case: "intDomain", value: { ...more, ...range, scale: valueOf(v1.Scale, scale) } }, start);
}

/** One of 2 to 1,000 numbers in rising order. They are ints when all are whole, unless `kind` says otherwise. */
export function discrete<const V extends number>(
  values: readonly V[],
  options: Options<v1.DiscreteDomain, V> & { readonly kind?: "int" | "float" } = {},
): Domain<V> {
  const { kind = values.every(Number.isInteger) ? "int" : "float", default: start, ...more } = options;
  const numbers = values.map((value) => encodeValue(value, kind === "float"));
  return parameter({ case: "discreteDomain", value: { ...more, values: numbers } }, start, kind === "float");
}

/** One of 2 to 1,000 names without an order. */
export function categorical<const V extends string>(
  values: readonly V[],
  { default: start, ...more }: Options<v1.CategoricalDomain, V> = {},
): Domain<V> {
  return parameter({ case: "categoricalDomain", value: { ...more, values: [...values] } }, start);
}

/** True or false. */
export function bool({ default: start, ...more }: Options<v1.BoolDomain, boolean> = {}): Domain<boolean> {
  return parameter({ case: "boolDomain", value: more }, start);
}

function parameter(
  domain: NonNullable<Init<v1.Parameter>["domain"]>,
  start: number | string | boolean | undefined,
  isDouble = false,
): Domain<never> {
  return { domain, ...(start === undefined ? {} : { defaultValue: encodeValue(start, isDouble) }) };
}

type ObjectiveOptions = Omit<Init<v1.Objective>, "$typeName" | "metric" | "goal" | "split" | "referenceValue"> & {
  /** Beside other objectives: the worst value still of interest, from which the hypervolume is measured. */
  readonly reference?: number;
  /** The part of the data that the metric is measured on. Default: "validation"; "test" is refused. */
  readonly split?: NameOf<typeof v1.Split>;
};

/** An objective of which less is better. */
export function minimize(metric: string, { reference, split, ...more }: ObjectiveOptions = {}): Init<v1.Objective> {
  return {
    ...more,
    metric,
    goal: v1.Goal.MINIMIZE,
    split: valueOf(v1.Split, split ?? "validation"),
    ...(reference === undefined ? {} : { referenceValue: reference }),
  };
}

/** An objective of which more is better. */
export function maximize(metric: string, options: ObjectiveOptions = {}): Init<v1.Objective> {
  return { ...minimize(metric, options), goal: v1.Goal.MAXIMIZE };
}

interface ConstraintOptions {
  /** The bound is that many times the value of the study's baseline trial: the first imported one, or `baselineTrial`. */
  readonly ofBaseline?: boolean;
  /** The part of the data that the metric is measured on. Default: "validation"; "test" is refused. */
  readonly split?: NameOf<typeof v1.Split>;
}

/** An outcome constraint: the metric of a good trial is at most the bound. */
export function atMost(
  metric: string,
  bound: number,
  { ofBaseline = false, split = "validation" }: ConstraintOptions = {},
): Init<v1.OutcomeConstraint> {
  return { metric, bound: { case: "max", value: bound }, ofBaseline, split: valueOf(v1.Split, split) };
}

/** An outcome constraint: the metric of a good trial is at least the bound. */
export function atLeast(metric: string, bound: number, options: ConstraintOptions = {}): Init<v1.OutcomeConstraint> {
  return { ...atMost(metric, bound, options), bound: { case: "min", value: bound } };
}

type Kind = Exclude<NonNullable<Init<v1.Algorithm>["kind"]>, { case: undefined }>;

/** How configurations are found, with the fields of its message: `algorithm("grid", { defaultLevels: 3 })`. */
export function algorithm<C extends Kind["case"]>(
  name: C,
  settings: Extract<Kind, { case: C }>["value"] = {},
): Init<v1.Algorithm> {
  return { kind: { case: name, value: settings } as Kind };
}

function valueOf<E extends object>(values: E, name: NameOf<E>): E[keyof E] {
  const key = name.toUpperCase();
  if (!(key in values)) {
    throw new InvalidArgumentError(`there is no "${name}"`);
  }
  return values[key as keyof E];
}
