package io.asktell;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the flat JSON object of numbers that comes with a result conflict; no more JSON is ever
 * needed.
 */
final class StoredMetrics {
  // Names of metrics have no characters that JSON escapes.
  private static final Pattern MEMBER =
      Pattern.compile("\"([^\"\\\\]+)\"\\s*:\\s*(-?[0-9][0-9.eE+-]*)");

  private StoredMetrics() {}

  static Metrics parse(String json) {
    Metrics metrics = Metrics.none();
    if (!json.endsWith("}")) {
      return metrics; // cut short by the server's limit on the size of errors
    }
    Matcher matcher = MEMBER.matcher(json);
    while (matcher.find()) {
      metrics = metrics.with(matcher.group(1), Double.parseDouble(matcher.group(2)));
    }
    return metrics;
  }
}
