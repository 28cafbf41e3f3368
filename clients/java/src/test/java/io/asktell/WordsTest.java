package io.asktell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.TextFormat;
import io.asktell.v1.EarlyStopping;
import org.junit.jupiter.api.Test;

class WordsTest {
  private static EarlyStopping parsed(String text) throws TextFormat.ParseException {
    return TextFormat.parse(text, EarlyStopping.class);
  }

  @Test
  void rulesOfEarlyStoppingAreMessages() throws TextFormat.ParseException {
    assertEquals(
        parsed("median { min_steps: 3 } metric: 'acc' grace_trials: 10"),
        EarlyStoppingRules.median(3).setMetric("acc").setGraceTrials(10).build());
    assertEquals(parsed("auto { min_steps: 5 }"), EarlyStoppingRules.auto(5).build());
    assertEquals(parsed("wilcoxon { }"), EarlyStoppingRules.wilcoxon().build());
    assertEquals(
        parsed("percentile { percentile: 25 min_steps: 2 }"),
        EarlyStoppingRules.percentile(25, 2).build());
    assertEquals(
        parsed("patience { patience_steps: 5 min_gain: 0.1 }"),
        EarlyStoppingRules.patience(5, 0.1).build());
    assertEquals(
        parsed("successive_halving { min_steps: 2 }"),
        EarlyStoppingRules.successiveHalving(2).build());
    assertEquals(
        parsed("hyperband { min_steps: 1 max_steps: 81 }"),
        EarlyStoppingRules.hyperband(1, 81).build());
    assertEquals(
        parsed(
            "any { rules { threshold { max: 0 } } rules { threshold { min: 1 min_steps: 4 } } }"),
        EarlyStoppingRules.any(EarlyStoppingRules.above(0, 0), EarlyStoppingRules.below(1, 4))
            .build());
  }

  @Test
  void aStudyHasACostAndARule() {
    var study =
        new StudyBuilder().cost("train_s").earlyStopping(EarlyStoppingRules.median(3)).build();
    assertEquals("train_s", study.getCostMetric());
    assertEquals(3, study.getEarlyStopping().getMedian().getMinSteps());
  }
}
