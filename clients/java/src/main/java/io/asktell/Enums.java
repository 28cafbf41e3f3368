package io.asktell;

/** Enums by the names that the wire has for them, without the wire's prefixes. */
final class Enums {
  private Enums() {}

  /** The constant of that name; UNSPECIFIED for none and for names newer than this client. */
  static <E extends Enum<E>> E named(Class<E> type, String name) {
    for (E constant : type.getEnumConstants()) {
      if (constant.name().equals(name)) {
        return constant;
      }
    }
    return Enum.valueOf(type, "UNSPECIFIED");
  }

  static <E extends Enum<E>> E of(Class<E> type, Enum<?> wire, String prefix) {
    String name = wire.name();
    return named(type, name.startsWith(prefix) ? name.substring(prefix.length()) : name);
  }
}
