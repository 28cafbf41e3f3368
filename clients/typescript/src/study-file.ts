import { readFile } from "node:fs/promises";

import type { Goal, Split } from "./enums.js";
import type { Domain, Scale } from "./space.js";
import type { Algorithm, Objective, StudySpec, TrackedMetric } from "./spec.js";
import { YamlNode } from "./yaml-node.js";

/** A study's id and specification, as a study file has them. */
export interface StudyFile {
  readonly id: string;
  readonly spec: StudySpec;
}

const KEYS = [
  ...["name", "display_name", "objectives", "metrics", "parameters", "algorithm", "stopping", "lease"],
  ...["max_running", "replicates", "max_staleness", "seed", "labels", "annotations"],
];
const NUMERIC_KEYS = ["min", "max", "scale", "step", "default"];
const DOMAIN_KEYS = {
  float: NUMERIC_KEYS,
  int: NUMERIC_KEYS,
  discrete: ["values", "default"],
  categorical: ["values", "default"],
  bool: ["default"],
} as const;
const DOMAINS = Object.keys(DOMAIN_KEYS) as (keyof typeof DOMAIN_KEYS)[];
const SETTINGS = {
  auto: [],
  manual: [],
  grid: ["default_levels", "levels"],
  random: [],
  sobol: [],
  bayesian: ["start_trials"],
} as const;
const ALGORITHMS = Object.keys(SETTINGS) as Algorithm["type"][];

type Keys = ReadonlyMap<string, YamlNode>;

/**
 * Reads a study from a YAML file, whose format all clients and the command line share. Unknown keys are refused; ranges
 * and names are left to the server to judge.
 *
 * @throws StudyFileError, or an error of the file system
 */
export async function loadStudyFile(path: string): Promise<StudyFile> {
  return parseStudyFile(await readFile(path, "utf8"), path);
}

/** {@link loadStudyFile} for a text; `file` is for error messages only. */
export function parseStudyFile(text: string, file = "study.yaml"): StudyFile {
  const keys = YamlNode.parse(file, text).mapping(KEYS, ["name", "objectives", "parameters"]);
  const stopping = part(keys, "stopping", ["max_trials", "target", "patience", "deadline"]);
  const lease = part(keys, "lease", ["duration_s", "max_attempts"]);
  const spec: StudySpec = {
    space: readSpace(must(keys, "parameters")),
    objectives: must(keys, "objectives").items().map(readObjective),
    ...optional("metrics", keys.get("metrics"), (node) => node.items().map(readMetric)),
    ...optional("algorithm", keys.get("algorithm"), readAlgorithm),
    ...optional("maxTrials", stopping.get("max_trials"), (node) => node.integer()),
    ...optional("target", stopping.get("target"), (node) => node.number()),
    ...optional("patience", stopping.get("patience"), (node) => node.integer()),
    ...optional("deadline", stopping.get("deadline"), (node) => node.time()),
    ...optional("leaseMs", lease.get("duration_s"), (node) => node.number() * 1000 || Infinity), // 0 = for ever
    ...optional("maxAttempts", lease.get("max_attempts"), (node) => node.integer()),
    ...optional("maxRunning", keys.get("max_running"), (node) => node.integer()),
    ...optional("replicates", keys.get("replicates"), (node) => node.integer()),
    ...optional("maxStaleness", keys.get("max_staleness"), (node) => node.integer()),
    ...optional("seed", keys.get("seed"), (node) => node.integer()),
    ...optional("displayName", keys.get("display_name"), (node) => node.text()),
    ...optional("labels", keys.get("labels"), (node) => node.texts()),
    ...optional("annotations", keys.get("annotations"), (node) => node.texts()),
  };
  return { id: must(keys, "name").text(), spec };
}

/** An object with the field when there is a node for it, and without it when there is none. */
function optional<K extends string, T>(
  field: K,
  node: YamlNode | undefined,
  read: (node: YamlNode) => T,
): Partial<Record<K, T>> {
  return (node ? { [field]: read(node) } : {}) as Partial<Record<K, T>>;
}

function must(keys: Keys, key: string): YamlNode {
  return keys.get(key) as YamlNode; // for keys that `mapping` has required
}

function part(keys: Keys, key: string, known: readonly string[]): Keys {
  return keys.get(key)?.mapping(known) ?? new Map<string, YamlNode>();
}

function readSpace(parameters: YamlNode): Record<string, Domain> {
  return Object.fromEntries([...parameters.mapping()].map(([name, node]) => [name, readDomain(node)]));
}

function readDomain(node: YamlNode): Domain {
  const every = ["type", ...new Set(Object.values(DOMAIN_KEYS).flat())];
  const type = must(node.mapping(every, ["type"]), "type").choice(DOMAINS);
  const known = DOMAIN_KEYS[type];
  const required = ["min", "max", "values"].filter((key) => (known as readonly string[]).includes(key));
  const keys = node.mapping(["type", ...known], required);
  const number = (each: YamlNode): number => each.number();
  const integer = (each: YamlNode): number => each.integer();
  switch (type) {
    case "float":
      return {
        type,
        min: must(keys, "min").number(),
        max: must(keys, "max").number(),
        ...optional("scale", keys.get("scale"), (each): Scale => each.choice(["linear", "log", "reverse_log"])),
        ...optional("step", keys.get("step"), number),
        ...optional("default", keys.get("default"), number),
      };
    case "int":
      return {
        type,
        min: must(keys, "min").integer(),
        max: must(keys, "max").integer(),
        ...optional("scale", keys.get("scale"), (each) => each.choice<"linear" | "log">(["linear", "log"])),
        ...optional("step", keys.get("step"), integer),
        ...optional("default", keys.get("default"), integer),
      };
    case "discrete": {
      const values = must(keys, "values").items();
      const standard = keys.get("default");
      // Written as 1.0, a number is a float, which its value alone would not tell.
      const whole = values.every((value) => value.isInteger) && (standard?.isInteger ?? true);
      const read = whole ? integer : number;
      return {
        type,
        values: values.map(read),
        kind: whole ? "int" : "float",
        ...optional("default", standard, read),
      };
    }
    case "categorical": {
      const text = (each: YamlNode): string => each.text();
      const values = must(keys, "values").items().map(text);
      return { type, values, ...optional("default", keys.get("default"), text) };
    }
    case "bool":
      return { type, ...optional("default", keys.get("default"), (each) => each.boolean()) };
  }
}

function readObjective(item: YamlNode): Objective {
  const keys = item.mapping(["metric", "goal", "split"], ["metric", "goal"]);
  const goal = must(keys, "goal").choice<Goal>(["minimize", "maximize"]);
  return { metric: must(keys, "metric").text(), goal, ...optional("split", keys.get("split"), readSplit) };
}

function readMetric(item: YamlNode): TrackedMetric {
  if (!item.isMapping) {
    return { metric: item.text() };
  }
  const keys = item.mapping(["metric", "split"], ["metric"]);
  return { metric: must(keys, "metric").text(), ...optional("split", keys.get("split"), readSplit) };
}

function readSplit(node: YamlNode): Split {
  return node.choice(["validation", "train", "test"]);
}

/** A name, or a mapping of one name to its settings. */
function readAlgorithm(node: YamlNode): Algorithm {
  if (!node.isMapping) {
    return { type: node.choice(ALGORITHMS) };
  }
  const [chosen, ...others] = [...node.mapping(ALGORITHMS)] as [Algorithm["type"], YamlNode][];
  if (!chosen || others.length > 0) {
    return node.refuse("must name one algorithm");
  }
  const [type, value] = chosen;
  const settings = value.mapping(SETTINGS[type]);
  const integer = (each: YamlNode): number => each.integer();
  switch (type) {
    case "bayesian":
      return { type, ...optional("startTrials", settings.get("start_trials"), integer) };
    case "grid":
      return {
        type,
        ...optional("defaultLevels", settings.get("default_levels"), integer),
        ...optional("levels", settings.get("levels"), (levels) =>
          Object.fromEntries([...levels.mapping()].map(([name, count]) => [name, count.integer()])),
        ),
      };
    default:
      return { type };
  }
}
