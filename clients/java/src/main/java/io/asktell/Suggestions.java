package io.asktell;

import com.google.protobuf.ByteString;
import io.asktell.v1.SuggestResponse;
import java.util.Iterator;
import java.util.List;

/** The answer of {@link Client#suggest}. */
public final class Suggestions implements Iterable<Suggestion> {
  private final List<Suggestion> suggestions;
  private final ByteString warmStart;

  private Suggestions(List<Suggestion> suggestions, ByteString warmStart) {
    this.suggestions = suggestions;
    this.warmStart = warmStart;
  }

  static Suggestions decode(SuggestResponse wire) {
    return new Suggestions(
        wire.getSuggestionsList().stream()
            .map(
                each ->
                    new Suggestion(
                        Wire.params(each.getParametersMap()),
                        Enums.of(Origin.class, each.getOrigin(), "ORIGIN_"),
                        Prediction.decode(each.hasPrediction(), each.getPrediction())))
            .toList(),
        wire.getWarmStart());
  }

  /** As many configurations as were asked for. */
  public List<Suggestion> asList() {
    return suggestions;
  }

  /** Makes the next call for the same problem faster, see {@link Problem.Builder#warmStart}. */
  public byte[] warmStart() {
    return warmStart.toByteArray();
  }

  @Override
  public Iterator<Suggestion> iterator() {
    return suggestions.iterator();
  }
}
