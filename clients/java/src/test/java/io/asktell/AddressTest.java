package io.asktell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AddressTest {
  @Test
  void readsSeveral() {
    assertEquals(
        List.of(new Address("a", 1), new Address("localhost", 50051), new Address("[::1]", 2)),
        Address.parseAll("a:1, localhost ,[::1]:2,"));
  }

  @Test
  void nothingIsTheDefault() {
    assertEquals(List.of(new Address("localhost", 50051)), Address.parseAll(" "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://a:1", "a:0", "a:65536", "a:b", ":1", "::1", "a:1/x"})
  void refusesWhatIsNone(String text) {
    assertThrows(IllegalArgumentException.class, () -> Address.parseAll(text));
  }
}
