package io.asktell;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** A list that comes in pages; the next one is fetched when the reader gets there. */
final class Pages<T> implements Iterator<T> {
  static final int SIZE = 500;

  /** One page, and the token of the next; an empty token = there is none. */
  record Page<T>(List<T> items, String next) {}

  private final Function<String, Page<T>> fetch;
  private Iterator<T> items = List.<T>of().iterator();
  private String token = ""; // null = that was all

  private Pages(Function<String, Page<T>> fetch) {
    this.fetch = fetch;
  }

  static <T> Stream<T> stream(Function<String, Page<T>> fetch) {
    int order = Spliterator.ORDERED | Spliterator.NONNULL;
    return StreamSupport.stream(
        Spliterators.spliteratorUnknownSize(new Pages<>(fetch), order), false);
  }

  @Override
  public boolean hasNext() {
    while (!items.hasNext() && token != null) {
      Page<T> page = fetch.apply(token);
      items = page.items().iterator();
      token = page.next().isEmpty() ? null : page.next();
    }
    return items.hasNext();
  }

  @Override
  public T next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return items.next();
  }
}
