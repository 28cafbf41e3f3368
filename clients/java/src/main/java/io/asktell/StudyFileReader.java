package io.asktell;

import io.asktell.YamlNode.Keys;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes a specification of a study file. */
final class StudyFileReader {
  private static final List<String> ALGORITHMS =
      List.of("auto", "manual", "grid", "random", "sobol", "bayesian");
  private static final List<Split> SPLITS = List.of(Split.values());

  private StudyFileReader() {}

  static StudyFile read(YamlNode root) {
    Keys keys =
        root.keys(
            "name",
            "display_name",
            "objectives",
            "metrics",
            "parameters",
            "algorithm",
            "stopping",
            "lease",
            "max_running",
            "replicates",
            "max_staleness",
            "seed",
            "labels",
            "annotations");
    Keys stopping = keys.part("stopping", "max_trials", "target", "patience", "deadline");
    Keys lease = keys.part("lease", "duration_s", "max_attempts");
    String id = keys.must("name").text();
    StudySpec spec =
        new StudySpec(
            space(keys.must("parameters")),
            keys.must("objectives").items().stream().map(StudyFileReader::objective).toList(),
            keys.get("metrics", YamlNode::items, List.<YamlNode>of()).stream()
                .map(StudyFileReader::tracked)
                .toList(),
            keys.get("algorithm", StudyFileReader::algorithm, new Algorithm.Auto()),
            stopping.get("max_trials", YamlNode::count),
            stopping.get("target", YamlNode::number),
            stopping.get("patience", YamlNode::count),
            stopping.get("deadline", YamlNode::time),
            lease.get("duration_s", YamlNode::seconds),
            lease.get("max_attempts", YamlNode::count, 0),
            keys.get("max_running", YamlNode::count, 0),
            keys.get("replicates", YamlNode::count, 0),
            keys.get("max_staleness", YamlNode::count),
            keys.get("seed", YamlNode::integer),
            keys.get("display_name", YamlNode::text, ""),
            keys.get("labels", YamlNode::texts, Map.of()),
            keys.get("annotations", YamlNode::texts, Map.of()));
    return new StudyFile(id, spec);
  }

  private static List<Parameter> space(YamlNode parameters) {
    List<Parameter> space = new ArrayList<>();
    parameters.entries().forEach((name, domain) -> space.add(parameter(name, domain)));
    return space;
  }

  private static Parameter parameter(String name, YamlNode domain) {
    Keys all = domain.keys("type", "min", "max", "scale", "step", "values", "default");
    String kind = all.must("type").word(List.of("float", "int", "discrete", "categorical", "bool"));
    switch (kind) {
      case "float":
        Keys real = domain.keys("type", "min", "max", "scale", "step", "default");
        return new FloatParameter(
            name,
            real.must("min").number(),
            real.must("max").number(),
            scale(real, List.of(Scale.values())),
            real.get("step", YamlNode::number),
            real.get("default", YamlNode::number));
      case "int":
        Keys whole = domain.keys("type", "min", "max", "scale", "step", "default");
        return new IntParameter(
            name,
            whole.must("min").integer(),
            whole.must("max").integer(),
            scale(whole, List.of(Scale.LINEAR, Scale.LOG)),
            whole.get("step", YamlNode::integer),
            whole.get("default", YamlNode::integer));
      case "discrete":
        return discrete(name, domain.keys("type", "values", "default"));
      case "categorical":
        Keys names = domain.keys("type", "values", "default");
        return new CategoricalParameter(
            name,
            names.must("values").items().stream().map(YamlNode::text).toList(),
            names.get("default", YamlNode::text));
      default:
        return new BoolParameter(
            name, domain.keys("type", "default").get("default", YamlNode::bool));
    }
  }

  private static Parameter discrete(String name, Keys keys) {
    List<YamlNode> values = keys.must("values").items();
    boolean whole =
        values.stream().allMatch(YamlNode::isInteger)
            && keys.get("default", YamlNode::isInteger, true);
    if (whole) {
      return new DiscreteParameter(
          name,
          values.stream().map(YamlNode::integer).toList(),
          keys.get("default", YamlNode::integer));
    }
    return new DiscreteParameter(
        name,
        values.stream().map(YamlNode::number).toList(),
        keys.get("default", YamlNode::number));
  }

  private static Scale scale(Keys keys, List<Scale> allowed) {
    return keys.get("scale", value -> value.choice(allowed), Scale.LINEAR);
  }

  private static Objective objective(YamlNode item) {
    Keys keys = item.keys("metric", "goal", "split");
    return new Objective(
        keys.must("metric").text(), keys.must("goal").choice(List.of(Goal.values())), split(keys));
  }

  private static TrackedMetric tracked(YamlNode item) {
    if (!item.isMapping()) {
      return new TrackedMetric(item.text(), Split.VALIDATION);
    }
    Keys keys = item.keys("metric", "split");
    return new TrackedMetric(keys.must("metric").text(), split(keys));
  }

  private static Split split(Keys keys) {
    return keys.get("split", value -> value.choice(SPLITS), Split.VALIDATION);
  }

  /** A name, or a mapping of one name to its settings. */
  private static Algorithm algorithm(YamlNode value) {
    if (!value.isMapping()) {
      return algorithm(value.word(ALGORITHMS), Keys.none());
    }
    Map<String, YamlNode> chosen = value.keys(ALGORITHMS.toArray(String[]::new)).values();
    if (chosen.size() != 1) {
      throw value.refuse("must name one algorithm");
    }
    Map.Entry<String, YamlNode> only = chosen.entrySet().iterator().next();
    Keys settings =
        switch (only.getKey()) {
          case "grid" -> only.getValue().keys("default_levels", "levels");
          case "bayesian" -> only.getValue().keys("start_trials");
          default -> only.getValue().keys();
        };
    return algorithm(only.getKey(), settings);
  }

  private static Algorithm algorithm(String name, Keys settings) {
    return switch (name) {
      case "manual" -> new Algorithm.Manual();
      case "random" -> new Algorithm.Random();
      case "sobol" -> new Algorithm.Sobol();
      case "bayesian" -> new Algorithm.Bayesian(settings.get("start_trials", YamlNode::count, 0));
      case "grid" ->
          new Algorithm.Grid(
              settings.get("default_levels", YamlNode::count, 0),
              settings.get("levels", StudyFileReader::levels, Map.of()));
      default -> new Algorithm.Auto();
    };
  }

  private static Map<String, Integer> levels(YamlNode value) {
    Map<String, Integer> levels = new LinkedHashMap<>();
    value.entries().forEach((name, count) -> levels.put(name, count.count()));
    return levels;
  }
}
