package io.asktell.examples;

import io.asktell.AsktellException.StudyCompleteException;
import io.asktell.Client;
import io.asktell.Metrics;
import io.asktell.Params;
import io.asktell.Study;
import io.asktell.StudyFile;
import io.asktell.Trial;
import io.asktell.v1.Metric;
import io.asktell.v1.ReportResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Tunes a softmax regression on handwritten digits. Any number of these, and of its siblings in
 * other languages, may work on one study at once.
 */
public final class Digits {
  private static final Path STUDY_FILE = Path.of("examples/digits.yaml");
  private static final Path DATA = Path.of("examples/data/digits.csv");

  private final List<Row> training;
  private final List<Row> validation;

  // The last 20 % are a test set that tuning never looks at, see examples/data/README.md.
  private Digits(List<Row> rows) {
    int trained = rows.size() * 60 / 100;
    training = rows.subList(0, trained);
    validation = rows.subList(trained, rows.size() * 80 / 100);
  }

  /** {@code digits [STUDY] [--trials N]}, from the root of the repository. */
  public static void main(String[] arguments) throws IOException {
    String name = "";
    int trials = 30;
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i].equals("--trials") && i + 1 < arguments.length) {
        trials = Integer.parseInt(arguments[++i]);
      } else if (!arguments[i].startsWith("-") && name.isEmpty()) {
        name = arguments[i];
      } else {
        System.err.println("usage: digits [STUDY] [--trials N]");
        System.exit(2);
      }
    }
    StudyFile file = StudyFile.load(STUDY_FILE).withId(name);
    Digits digits = new Digits(Row.read(DATA));
    String worker =
        "java:" + InetAddress.getLocalHost().getHostName() + ":" + ProcessHandle.current().pid();
    try (Client client = Client.builder().workerId(worker).build()) {
      Thread closing = new Thread(client::close); // Ctrl-C gives the trial back
      Runtime.getRuntime().addShutdownHook(closing);
      Study study = client.createOrOpenStudy(file);
      digits.work(study, trials);
      study.best().ifPresent(best -> System.out.println("best: " + shown(best)));
      Runtime.getRuntime().removeShutdownHook(closing);
    }
  }

  private void work(Study study, int trials) {
    for (int i = 0; i < trials; i++) {
      try (Trial trial = study.ask()) {
        run(trial);
      } catch (StudyCompleteException complete) {
        System.out.println(complete.getMessage());
        return;
      }
    }
  }

  /** Trains and tells. A trial that is left without a result is given back by its close. */
  private void run(Trial trial) {
    long began = System.nanoTime();
    Params params = trial.params();
    Model model =
        new Model(
            new Model.Hyperparameters(
                params.getDouble("lr"),
                params.getDouble("l2"),
                params.getDouble("momentum"),
                params.getInt("batch_size")));
    Map<String, Metric> result = Metrics.none();
    for (int epoch = 0; epoch < params.getInt("epochs"); epoch++) {
      model.train(training);
      Model.Score score = model.evaluate(validation);
      if (!Double.isFinite(score.loss())) {
        trial.fail("diverged in epoch " + epoch);
        return;
      }
      result = Metrics.of("val_loss", score.loss(), "val_accuracy", score.accuracy());
      ReportResponse progress = trial.report(epoch, result);
      if (!progress.getLeaseValid()) {
        return; // called off, or with another worker: there is nothing to tell
      }
      if (progress.getShouldStop()) {
        trial.stop(result, "");
        return;
      }
    }
    trial.tell(result);
    System.out.printf(
        Locale.ROOT,
        "java  %s  %.2f s  %s%n",
        shown(trial),
        (System.nanoTime() - began) / 1e9,
        params);
  }

  private static String shown(Trial trial) {
    return String.format(
        Locale.ROOT,
        "trial %3d  val_loss %.4f  val_accuracy %.4f",
        trial.number(),
        trial.info().getMetricsOrThrow("val_loss").getValue(),
        trial.info().getMetricsOrThrow("val_accuracy").getValue());
  }
}
