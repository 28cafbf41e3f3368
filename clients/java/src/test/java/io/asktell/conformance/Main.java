package io.asktell.conformance;

import io.asktell.conformance.v1.Action;
import io.asktell.conformance.v1.Result;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;

/**
 * The executor of the Java client: actions in on stdin, results out on stdout. What the cases are
 * and how they are run is in tests/conformance.
 */
public final class Main {
  private Main() {}

  /** Answers each action with one result until the input ends. */
  public static void main(String[] arguments) throws IOException {
    DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
    DataOutputStream out = new DataOutputStream(System.out);
    Executor executor = new Executor();
    while (true) {
      int length;
      try {
        length = in.readInt();
      } catch (EOFException done) {
        executor.reset();
        return;
      }
      Result result = executor.execute(Action.parseFrom(in.readNBytes(length)));
      out.writeInt(result.getSerializedSize());
      result.writeTo(out);
      out.flush();
    }
  }
}
