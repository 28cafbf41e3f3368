package io.asktell.examples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** A softmax regression, trained by stochastic gradient descent with momentum. */
final class Model {
  /** What is tuned. */
  record Hyperparameters(double learningRate, double l2, double momentum, int batchSize) {}

  /** Mean cross-entropy, and the share of rows that are classified right. */
  record Score(double loss, double accuracy) {}

  private static final int BIAS = Row.PIXELS;

  private final Hyperparameters chosen;
  // It begins at zero, where the loss is log(10); it is convex, so any beginning will do.
  private final double[][] weights = new double[Row.CLASSES][Row.PIXELS + 1];
  private final double[][] velocity = new double[Row.CLASSES][Row.PIXELS + 1];
  // What differs between two trials is their configuration, not the order of rows.
  private final Random random = new Random(1);

  Model(Hyperparameters chosen) {
    this.chosen = chosen;
  }

  /** Goes once through the rows, in a new order. */
  void train(List<Row> rows) {
    List<Row> order = new ArrayList<>(rows);
    Collections.shuffle(order, random);
    for (int start = 0; start < order.size(); start += chosen.batchSize()) {
      step(order.subList(start, Math.min(start + chosen.batchSize(), order.size())));
    }
  }

  private void step(List<Row> batch) {
    double[][] gradient = new double[Row.CLASSES][Row.PIXELS + 1];
    for (Row row : batch) {
      double[] differences = probabilities(row);
      differences[row.label()]--;
      for (int digit = 0; digit < Row.CLASSES; digit++) {
        for (int pixel = 0; pixel < Row.PIXELS; pixel++) {
          gradient[digit][pixel] += differences[digit] * row.pixels()[pixel];
        }
        gradient[digit][BIAS] += differences[digit];
      }
    }
    for (int digit = 0; digit < Row.CLASSES; digit++) {
      for (int i = 0; i <= BIAS; i++) {
        double decay = i == BIAS ? 0 : chosen.l2() * weights[digit][i];
        double slope = gradient[digit][i] / batch.size() + decay;
        velocity[digit][i] = chosen.momentum() * velocity[digit][i] - chosen.learningRate() * slope;
        weights[digit][i] += velocity[digit][i];
      }
    }
  }

  private double[] scores(Row row) {
    double[] scores = new double[Row.CLASSES];
    for (int digit = 0; digit < Row.CLASSES; digit++) {
      scores[digit] = weights[digit][BIAS];
      for (int pixel = 0; pixel < Row.PIXELS; pixel++) {
        scores[digit] += weights[digit][pixel] * row.pixels()[pixel];
      }
    }
    return scores;
  }

  private double[] probabilities(Row row) {
    double[] scores = scores(row);
    double total = logSum(scores);
    return Arrays.stream(scores).map(score -> Math.exp(score - total)).toArray();
  }

  /** The logarithm of the sum of exponentials, however large they are. */
  private static double logSum(double[] scores) {
    double highest = Arrays.stream(scores).max().orElseThrow();
    return highest + Math.log(Arrays.stream(scores).map(score -> Math.exp(score - highest)).sum());
  }

  Score evaluate(List<Row> rows) {
    double loss = 0;
    int right = 0;
    for (Row row : rows) {
      double[] scores = scores(row);
      loss += logSum(scores) - scores[row.label()];
      int best = 0;
      for (int digit = 1; digit < Row.CLASSES; digit++) {
        best = scores[digit] > scores[best] ? digit : best;
      }
      right += best == row.label() ? 1 : 0;
    }
    return new Score(loss / rows.size(), (double) right / rows.size());
  }
}
