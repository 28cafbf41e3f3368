#include <gtest/gtest.h>

#include <asktell/asktell.hpp>

namespace {

const std::string full_file = R"(
name: full
display_name: Größer
objectives:
  - {metric: loss, goal: minimize}
metrics: [accuracy, {metric: test_loss, split: test}]
parameters:
  lr: {type: float, min: 1e-4, max: 1.0e-1, scale: log, default: 1}
  momentum: {type: float, min: 0.5, max: 1, scale: reverse_log, step: 0.1}
  layers: {type: int, min: 1, max: 1_000, scale: log, step: 2, default: 3}
  batch: {type: discrete, values: [16, 32], default: 32}
  rate: {type: discrete, values: [0.1, 2]}
  kind: {type: categorical, values: [on, "1", größer], default: on}
  flag: {type: bool, default: no}
algorithm: {grid: {default_levels: 3, levels: {lr: 7}}}
stopping: {max_trials: 50, target: 0.1, patience: 9, deadline: 2026-12-01T12:00:00Z}
lease: {duration_s: 0, max_attempts: 2}
max_running: 8
replicates: 3
max_staleness: 0
seed: 0
labels: {by: me}
)";

TEST(StudyFile, IsReadWhole) {
  using asktell::Scale;
  const asktell::StudyFile file = asktell::parse_study_file(full_file);
  EXPECT_EQ(file.id, "full");
  asktell::StudySpec want;
  want.space = {asktell::Float{"lr", 1e-4, 0.1, Scale::log, std::nullopt, 1.0},
                asktell::Float{"momentum", 0.5, 1, Scale::reverse_log, 0.1},
                asktell::Int{"layers", 1, 1000, Scale::log, 2, 3},
                asktell::Discrete<std::int64_t>{"batch", {16, 32}, 32},
                asktell::Discrete<double>{"rate", {0.1, 2}},
                asktell::Categorical{"kind", {"on", "1", "größer"}, "on"},
                asktell::Bool{"flag", false}};
  want.objectives = {asktell::minimize("loss")};
  want.metrics = {{"accuracy", asktell::Split::validation}, {"test_loss", asktell::Split::test}};
  want.algorithm = asktell::Grid{3, {{"lr", 7}}};
  want.max_trials = 50;
  want.target = 0.1;
  want.patience = 9;
  want.deadline = asktell::Time(std::chrono::seconds(1796126400));
  want.lease = asktell::endless;
  want.max_attempts = 2;
  want.max_running = 8;
  want.replicates = 3;
  want.max_staleness = 0;
  want.seed = 0;
  want.display_name = "Größer";
  want.labels = {{"by", "me"}};
  EXPECT_TRUE(file.spec == want);
}

struct Mistake {
  std::string from, to, want;
};

TEST(StudyFile, MistakesAreFoundWhereTheyAre) {
  const std::vector<Mistake> mistakes{
      {"scale: log, default: 1}", "scael: log}", "x.yaml:8:45: parameters.lr: unknown key \"scael\""},
      {"name: full", "name: 7", "x.yaml:2:7: name: must be a string, got the number 7"},
      {"name: full", "other: 1", "unknown key \"other\""},
      {"goal: minimize", "goal: minimise", "objectives[0].goal: must be one of minimize, maximize"},
      {"min: 1e-4", "min: \"1\"", "parameters.lr.min: must be a number, got \"1\""},
      {"min: 1, max: 1_000", "min: 1.0, max: 1_000", "parameters.layers.min: must be a whole number"},
      {"min: 0.5, ", "", "parameters.momentum: min is missing"},
      {"seed: 0", "seed: 0\nseed: 1", "seed: stands here twice"},
      {"seed: 0", "seed: 9223372036854775808", "seed: must fit 64 bits"},
      {"seed: 0", "seed:", "seed: must be a whole number, got nothing"},
      {"12:00:00Z", "12:00:00", "stopping.deadline: must be a time with its zone"},
      {"default: no", "default: perhaps", "parameters.flag.default: must be true or false"},
      {"name: full", "name: [full", "x.yaml:"},
  };
  for (const Mistake& each : mistakes) {
    std::string text = full_file;
    text.replace(text.find(each.from), each.from.size(), each.to);
    try {
      asktell::parse_study_file(text, "x.yaml");
      ADD_FAILURE() << each.to << " was taken";
    } catch (const asktell::StudyFileError& error) {
      EXPECT_NE(std::string(error.what()).find(each.want), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(asktell::parse_study_file(""), asktell::StudyFileError);
}

TEST(StudyFile, TheExamplesAreRead) {
  EXPECT_EQ(asktell::load_study_file(EXAMPLES "/digits.yaml").spec.space.size(), 5U);
  EXPECT_EQ(asktell::load_study_file(EXAMPLES "/lora_finetune/study.yaml").spec.space.size(), 4U);
  EXPECT_THROW(asktell::load_study_file("none.yaml"), asktell::StudyFileError);
}

}  // namespace
