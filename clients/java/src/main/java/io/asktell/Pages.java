package io.asktell;

import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;

/** A list that comes in pages. */
final class Pages {
  static final int SIZE = 500;

  /** One page, and the token of the next; an empty token = there is none. */
  record Page<T>(List<T> items, String next) {}

  private Pages() {}

  /** The items of all pages; a page is fetched when the reader gets there. */
  static <T> Stream<T> stream(Function<String, Page<T>> fetch) {
    Page<T> start = new Page<>(List.of(), "");
    return Stream.iterate(
            start,
            Objects::nonNull,
            page -> page != start && page.next().isEmpty() ? null : fetch.apply(page.next()))
        .flatMap(page -> page.items().stream());
  }
}
