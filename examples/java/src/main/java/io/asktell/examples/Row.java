package io.asktell.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A digit: its pixels, 0 to 1, and which one it is. */
record Row(double[] pixels, int label) {
  static final int PIXELS = 64;
  static final int CLASSES = 10;
  private static final double BRIGHTEST = 16;

  /** All rows of the file, below its heading. */
  static List<Row> read(Path file) throws IOException {
    return Files.readAllLines(file).stream().skip(1).map(Row::parse).toList();
  }

  private static Row parse(String line) {
    String[] fields = line.split(",");
    if (fields.length != PIXELS + 1) {
      throw new IllegalArgumentException("a row has " + fields.length + " fields: " + line);
    }
    double[] pixels = new double[PIXELS];
    for (int i = 0; i < PIXELS; i++) {
      pixels[i] = Integer.parseInt(fields[i]) / BRIGHTEST;
    }
    return new Row(pixels, Integer.parseInt(fields[PIXELS]));
  }
}
