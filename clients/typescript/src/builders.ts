import type { Message } from "@bufbuild/protobuf";

import { InvalidArgumentError } from "./errors.js";
import type { Init, MessageOrInit, Typed } from "./init.js";
import * as v1 from "./v1.js";
import { encodeValue, type Params, type ParamsInput } from "./values.js";

/** A `v1.Parameter` without its name, with values of type V; a spread adds further fields. */
export type Domain<V = unknown> = Typed<Omit<Init<v1.Parameter>, "name">, V>;

/** A value that follows from other parameters: see {@link derived}. */
export type Derived = Typed<{ readonly expression: string }, number>;

/** What may be varied, by name, in the order in which tables show it; derived parameters come after the others. */
export type Space = Readonly<Record<string, Domain | Derived>>;

/** The type of a space's configurations. A parameter with a condition may be undefined. */
export type ParamsOf<S extends Space> = { readonly [Name in keyof S]: ValueOf<S[Name]> };
type ValueOf<D extends Domain | Derived> =
  (D extends Typed<unknown, infer V> ? V : never) | (D extends { readonly condition: object } ? undefined : never);

/** A message with a search space whose configurations are of type P. */
type WithSpace<M, P> = M & { readonly searchSpace?: Typed<MessageOrInit<v1.SearchSpace>, P> | undefined };

/** A `v1.Study` whose configurations are of type P. */
export type StudyInit<P = Params> = WithSpace<MessageOrInit<v1.Study>, P>;

/** A `v1.Problem` whose configurations are of type P. */
export type ProblemInit<P = Params> = WithSpace<MessageOrInit<v1.Problem>, P>;

/** Names of an enumeration's values in lower case, as study files have them. */
type NameOf<E> = Exclude<Lowercase<keyof E & string>, "unspecified">;

/** One parameter with some of its values. */
type When = Readonly<Record<string, readonly ParamsInput[string][]>>;

/** Fields of a domain D, and what domains share. */
type Options<D extends Message, V, W> = Omit<Init<D>, Given> & {
  /** A value that is known to work: the search starts from it. */
  readonly default?: V;
  /**
   * The parameter exists only while another one has one of the values: `{ when: { opt: ["sgd"] } }`. Configurations of
   * other values do not have it. The other one has finitely many values, and may itself have a `when`.
   */
  readonly when?: W;
  /** The server never chooses it: every ask states it in `fixed`, and so do queued and imported trials. */
  readonly context?: boolean;
  /** Where good values are believed to lie: `normalPrior`, `weightsPrior`. Results outweigh it as they come. */
  readonly prior?: Init<v1.Prior>;
};
type Given = "$typeName" | "min" | "max" | "scale" | "step" | "values";

/** A domain with the condition that a `when` of type W makes. */
type MadeOf<V, W> = W extends When ? Domain<V> & { readonly condition: Init<v1.Condition> } : Domain<V>;

type RangeOptions<D extends Message, W> = Options<D, number, W> & {
  /** Which differences of a number count as equal steps. "reverse_log" resolves values near the maximum; floats only. */
  readonly scale?: NameOf<typeof v1.Scale>;
  /** Only min, min + step … are taken. */
  readonly step?: number;
};

/**
 * A search space of parameters by name. `constraints` are linear, on numeric parameters, such as "width + 2*depth <= 64" or
 * "low <= high": no configuration breaks one. See `SearchSpace.parameter_constraints` in the contract for what they may say.
 */
export function space<const S extends Space>(
  domains: S,
  constraints: readonly string[] = [],
): Typed<Init<v1.SearchSpace>, ParamsOf<S>> {
  const parameters: Init<v1.Parameter>[] = [];
  const derivedParameters: Init<v1.DerivedParameter>[] = [];
  for (const [name, domain] of Object.entries(domains)) {
    if ("expression" in domain) {
      derivedParameters.push({ ...domain, name });
    } else {
      requireCategories(name, domain);
      parameters.push({ ...domain, name });
    }
  }
  return {
    parameters,
    ...(constraints.length === 0 ? {} : { parameterConstraints: [...constraints] }),
    ...(derivedParameters.length === 0 ? {} : { derivedParameters }),
  };
}

/**
 * A value that follows from other parameters by arithmetic, such as `derived("batch_size * accumulate")`, and is delivered with the
 * configuration. See `DerivedParameter` in the contract for what an expression may say.
 */
export function derived(expression: string): Derived {
  return { expression };
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

/** Good values lie around `mean`; the deviation is a fraction of the range on the parameter's own scale, in (0, 1]. */
export function normalPrior(mean: number, relativeStandardDeviation: number): Init<v1.Prior> {
  return { kind: { case: "normal", value: { mean, relativeStandardDeviation } } };
}

/** How likely each value is to be a good one, in the domain's order (false before true): for all but `float` and `int`. */
export function weightsPrior(weights: readonly number[]): Init<v1.Prior> {
  return { kind: { case: "weights", value: { weights: [...weights] } } };
}

/** A real number in [min, max]. */
export function float<W extends When | undefined = undefined>(
  min: number,
  max: number,
  options: RangeOptions<v1.FloatDomain, W> = {},
): MadeOf<number, W> {
  const { scale = "linear", default: start, when, context, prior, ...more } = options;
  const value = { ...more, min, max, scale: valueOf(v1.Scale, scale) };
  return parameter({ case: "floatDomain", value }, { start, when, context, prior, isDouble: true });
}

/** A whole number in [min, max], both ends within ±2^53. */
export function int<W extends When | undefined = undefined>(
  min: number,
  max: number,
  options: RangeOptions<v1.IntDomain, W> = {},
): MadeOf<number, W> {
  const { scale = "linear", step, default: start, when, context, prior, ...more } = options;
  const range = { min: BigInt(min), max: BigInt(max), step: step === undefined ? step : BigInt(step) };
  const value = { ...more, ...range, scale: valueOf(v1.Scale, scale) };
  return parameter({ case: "intDomain", value }, { start, when, context, prior });
}

/** One of 2 to 1,000 numbers in rising order. They are ints when all are whole, unless `kind` says otherwise. */
export function discrete<const V extends number, W extends When | undefined = undefined>(
  values: readonly V[],
  options: Options<v1.DiscreteDomain, V, W> & { readonly kind?: "int" | "float" } = {},
): MadeOf<V, W> {
  const {
    kind = values.every(Number.isInteger) ? "int" : "float",
    default: start,
    when,
    context,
    prior,
    ...more
  } = options;
  const isDouble = kind === "float";
  const numbers = values.map((value) => encodeValue(value, isDouble));
  return parameter(
    { case: "discreteDomain", value: { ...more, values: numbers } },
    { start, when, context, prior, isDouble },
  );
}

/** One of 2 to 1,000 names without an order. */
export function categorical<const V extends string, W extends When | undefined = undefined>(
  values: readonly V[],
  { default: start, when, context, prior, ...more }: Options<v1.CategoricalDomain, V, W> = {},
): MadeOf<V, W> {
  return parameter(
    { case: "categoricalDomain", value: { ...more, values: [...values] } },
    { start, when, context, prior },
  );
}

/** True or false. */
export function bool<W extends When | undefined = undefined>(
  options: Options<v1.BoolDomain, boolean, W> = {},
): MadeOf<boolean, W> {
  const { default: start, when, context, prior, ...more } = options;
  return parameter({ case: "boolDomain", value: more }, { start, when, context, prior });
}

interface Shared<W> {
  readonly start: number | string | boolean | undefined;
  readonly when: W | undefined;
  readonly context: boolean | undefined;
  readonly prior: Init<v1.Prior> | undefined;
  readonly isDouble?: boolean;
}

function parameter<W extends When | undefined>(
  domain: NonNullable<Init<v1.Parameter>["domain"]>,
  { start, when, context, prior, isDouble = false }: Shared<W>,
): MadeOf<never, W> {
  return {
    domain,
    ...(start === undefined ? {} : { defaultValue: encodeValue(start, isDouble) }),
    ...(context === undefined ? {} : { context }),
    ...(prior === undefined ? {} : { prior }),
    ...(when === undefined ? {} : { condition: conditionOf(when) }),
  } as MadeOf<never, W>;
}

function conditionOf(when: When): Init<v1.Condition> {
  const [[parent, values] = ["", []], ...others] = Object.entries(when);
  if (parent === "" || others.length > 0) {
    throw new InvalidArgumentError(`when must name one parameter, got ${Object.keys(when).join(", ") || "none"}`);
  }
  if (!(values instanceof Array)) {
    throw new InvalidArgumentError(`when.${parent} must be a list of values, got ${JSON.stringify(values)}`);
  }
  // The server takes a whole number for a value of a float, too.
  return { parent, values: values.map((value) => encodeValue(value, false)) };
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

type Rule = Exclude<NonNullable<Init<v1.EarlyStopping>["rule"]>, { case: undefined }>;
type JudgingOptions = Omit<Init<v1.EarlyStopping>, "$typeName" | "rule" | "goal"> & {
  /** Whether lower or higher is better, for a metric that is only tracked. */
  readonly goal?: NameOf<typeof v1.Goal>;
};

/**
 * When a running trial is told to stop, with the fields of the rule's message: `earlyStopping("median", { minSteps: 3n })`. What all
 * rules share comes last: `{ metric: "val_loss", graceTrials: 10 }`. See {@link anyStopping} for several rules.
 */
export function earlyStopping<C extends Rule["case"]>(
  name: C,
  settings: Extract<Rule, { case: C }>["value"] = {},
  { goal, ...judging }: JudgingOptions = {},
): Init<v1.EarlyStopping> {
  return {
    ...judging,
    rule: { case: name, value: settings } as Rule,
    ...(goal === undefined ? {} : { goal: valueOf(v1.Goal, goal) }),
  };
}

/** Several rules of early stopping, of which the first that holds stops a trial. */
export function anyStopping(...rules: readonly Init<v1.EarlyStopping>[]): Init<v1.EarlyStopping> {
  return earlyStopping("any", { rules: [...rules] });
}

function valueOf<E extends object>(values: E, name: NameOf<E>): E[keyof E] {
  const key = name.toUpperCase();
  if (!(key in values)) {
    throw new InvalidArgumentError(`there is no "${name}"`);
  }
  return values[key as keyof E];
}
