package io.asktell;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * A place in a study file: its value, and the keys that lead to it. The first mistake ends the
 * reading.
 */
record YamlNode(String file, Node yaml, String path) {
  private static final Pattern WHOLE = Pattern.compile("[-+]?[0-9][0-9_]*");
  // As the other clients read numbers: 1e-5 is one, though YAML 1.1 takes it for a string.
  private static final Pattern REAL =
      Pattern.compile(
          "[-+]?([0-9][0-9_]*)?\\.?[0-9]+([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*\\.([eE][-+]?[0-9]+)?");

  static YamlNode parse(String file, String text) {
    try {
      Optional<Node> document =
          new Compose(LoadSettings.builder().setLabel(file).setAllowDuplicateKeys(true).build())
              .composeString(text);
      return document
          .map(node -> new YamlNode(file, node, ""))
          .orElseThrow(() -> new StudyFileException(file, 0, 0, "is empty"));
    } catch (MarkedYamlEngineException broken) {
      Optional<Mark> mark = broken.getProblemMark();
      throw new StudyFileException(
          file,
          mark.map(at -> at.getLine() + 1).orElse(0),
          mark.map(at -> at.getColumn() + 1).orElse(0),
          broken.getProblem());
    } catch (YamlEngineException broken) {
      throw new StudyFileException(file, 0, 0, broken.getMessage());
    }
  }

  StudyFileException refuse(String message) {
    String where = path.isEmpty() ? message : path + ": " + message;
    Optional<Mark> mark = yaml.getStartMark();
    return new StudyFileException(
        file,
        mark.map(at -> at.getLine() + 1).orElse(0),
        mark.map(at -> at.getColumn() + 1).orElse(0),
        where);
  }

  private StudyFileException mustBe(String wanted) {
    return refuse("must be " + wanted + ", got " + shown());
  }

  boolean isMapping() {
    return yaml instanceof MappingNode;
  }

  /** The values by key, in the file's order; a key that comes twice is refused. */
  Map<String, YamlNode> entries() {
    if (!(yaml instanceof MappingNode mapping)) {
      throw mustBe("a mapping (key: value)");
    }
    Map<String, YamlNode> found = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      String key = new YamlNode(file, tuple.getKeyNode(), path).text();
      String below = path.isEmpty() ? key : path + "." + key;
      if (found.put(key, new YamlNode(file, tuple.getValueNode(), below)) != null) {
        throw new YamlNode(file, tuple.getKeyNode(), below).refuse("stands here twice");
      }
    }
    return found;
  }

  /** The values of a mapping that may have only these keys. */
  Keys keys(String... known) {
    Map<String, YamlNode> found = entries();
    List<String> names = Arrays.asList(known);
    for (NodeTuple tuple : ((MappingNode) yaml).getValue()) {
      YamlNode key = new YamlNode(file, tuple.getKeyNode(), path);
      if (!names.contains(key.text())) {
        throw key.refuse(
            "unknown key \"" + key.text() + "\"; known are " + String.join(", ", names));
      }
    }
    return new Keys(this, found);
  }

  /** The values of a mapping whose keys have been checked. */
  record Keys(YamlNode node, Map<String, YamlNode> values) {
    static Keys none() {
      return new Keys(null, Map.of());
    }

    boolean has(String key) {
      return values.containsKey(key);
    }

    YamlNode must(String key) {
      YamlNode value = values.get(key);
      if (value == null) {
        throw node.refuse(key + " is missing");
      }
      return value;
    }

    /** Null when it is not there. */
    <T> T get(String key, Function<YamlNode, T> read) {
      return get(key, read, null);
    }

    <T> T get(String key, Function<YamlNode, T> read, T otherwise) {
      return has(key) ? read.apply(values.get(key)) : otherwise;
    }

    Keys part(String key, String... known) {
      return has(key) ? values.get(key).keys(known) : none();
    }
  }

  List<YamlNode> items() {
    if (!(yaml instanceof SequenceNode sequence)) {
      throw mustBe("a list");
    }
    List<Node> nodes = sequence.getValue();
    return IntStream.range(0, nodes.size())
        .mapToObj(i -> new YamlNode(file, nodes.get(i), path + "[" + i + "]"))
        .toList();
  }

  /** A string. A plain word is one even where YAML takes it for a boolean, as in [on, off]. */
  String text() {
    String value = scalar("a string");
    if (isPlain() && isNumber(value)) {
      throw refuse(
          "must be a string, got the number "
              + value
              + "; write \""
              + value
              + "\" if you mean the text");
    }
    return value;
  }

  Map<String, String> texts() {
    return entries().entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().text()));
  }

  boolean isInteger() {
    return isPlain() && WHOLE.matcher(((ScalarNode) yaml).getValue()).matches();
  }

  long integer() {
    String value = scalar("a whole number");
    if (!isInteger()) {
      throw mustBe("a whole number");
    }
    try {
      return Long.parseLong(value.replace("_", ""));
    } catch (NumberFormatException tooLarge) {
      throw refuse("must fit 64 bits, got " + value);
    }
  }

  int count() {
    long value = integer();
    if (value != (int) value) {
      throw refuse("must fit 32 bits, got " + value);
    }
    return (int) value;
  }

  double number() {
    String value = scalar("a number");
    if (!isPlain() || !isNumber(value)) {
      throw mustBe("a number");
    }
    double number = Double.parseDouble(value.replace("_", ""));
    if (Double.isInfinite(number)) {
      throw refuse("must fit a double, got " + value);
    }
    return number;
  }

  boolean bool() {
    return switch (scalar("true or false").toLowerCase(Locale.ROOT)) {
      case "true", "yes", "on" -> true;
      case "false", "no", "off" -> false;
      default -> throw mustBe("true or false");
    };
  }

  /** The constant whose name in lower case stands there. */
  <E extends Enum<E>> E choice(List<E> allowed) {
    List<String> names =
        allowed.stream().map(each -> each.name().toLowerCase(Locale.ROOT)).toList();
    return allowed.get(names.indexOf(word(names)));
  }

  String word(List<String> allowed) {
    String wanted = "one of " + String.join(", ", allowed);
    String value = scalar(wanted);
    if (!allowed.contains(value)) {
      throw mustBe(wanted);
    }
    return value;
  }

  Instant time() {
    String value = scalar("a time");
    try {
      return OffsetDateTime.parse(value.replaceFirst(" ", "T")).toInstant();
    } catch (DateTimeException unclear) {
      throw mustBe("a time with its zone, as in 2026-12-01T12:00:00Z");
    }
  }

  Duration seconds() {
    double seconds = number();
    if (Math.abs(seconds) > Long.MAX_VALUE / 1e9) {
      throw refuse("is too long, got " + seconds + " s");
    }
    return Duration.ofNanos(Math.round(seconds * 1e9));
  }

  private static boolean isNumber(String value) {
    return WHOLE.matcher(value).matches() || REAL.matcher(value).matches();
  }

  private boolean isPlain() {
    return yaml instanceof ScalarNode scalar && scalar.getScalarStyle() == ScalarStyle.PLAIN;
  }

  private String scalar(String wanted) {
    if (!(yaml instanceof ScalarNode scalar)
        || isPlain() && List.of("", "~", "null").contains(scalar.getValue())) {
      throw mustBe(wanted);
    }
    return scalar.getValue();
  }

  private String shown() {
    if (yaml instanceof MappingNode) {
      return "a mapping";
    }
    if (yaml instanceof ScalarNode scalar) {
      return scalar.getValue().isEmpty() ? "nothing" : "\"" + scalar.getValue() + "\"";
    }
    return "a list";
  }
}
