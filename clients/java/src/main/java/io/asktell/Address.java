package io.asktell;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a server is. */
record Address(String host, int port) {
  private static final Address DEFAULT = new Address("localhost", 50051);
  private static final Pattern FORM =
      Pattern.compile("(\\[[0-9a-fA-F:.]+\\]|[^\\[\\]:/\\s]+)(?::([0-9]{1,5}))?");

  /** Several with commas between; none at all = the default. */
  static List<Address> parseAll(String text) {
    List<Address> addresses =
        Arrays.stream(text.split(","))
            .map(String::strip)
            .filter(part -> !part.isEmpty())
            .map(Address::parse)
            .toList();
    return addresses.isEmpty() ? List.of(DEFAULT) : addresses;
  }

  private static Address parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "an address is host:port, with IPv6 as in [::1]:50051; got \"" + text + "\"");
    }
    int port = parts.group(2) == null ? DEFAULT.port : Integer.parseInt(parts.group(2));
    if (port < 1 || port > 65535) {
      throw new IllegalArgumentException("a port is 1 to 65535, got \"" + text + "\"");
    }
    return new Address(parts.group(1), port);
  }

  @Override
  public String toString() {
    return host + ":" + port;
  }
}
