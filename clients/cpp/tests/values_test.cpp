#include <gtest/gtest.h>

#include <asktell/asktell.hpp>
#include <stdexcept>

namespace {

namespace v1 = asktell::v1;

using asktell::Params;

TEST(Params, KeepTheirKinds) {
  const Params params{{"lr", 0.1}, {"rank", 9007199254740993}, {"kind", "größer"}, {"flag", false}};
  EXPECT_EQ(params.get<double>("lr"), 0.1);
  EXPECT_EQ(params.get<std::int64_t>("rank"), 9007199254740993);
  EXPECT_EQ(params.get<std::string>("kind"), "größer");
  EXPECT_FALSE(params.get<bool>("flag"));
  EXPECT_THROW((void)params.get<int>("rank"), std::out_of_range);
  EXPECT_THROW((void)params.get<int>("lr"), std::invalid_argument);
  EXPECT_THROW((void)params.get<double>("l"), std::out_of_range);
}

TEST(Params, AreReadFromAndWrittenToMessages) {
  v1::EnqueuedTrial trial;
  *trial.mutable_parameters() = Params{{"lr", 1.0F}, {"rank", 8}, {"kind", std::string("a")}};
  EXPECT_EQ(trial.parameters().at("lr").double_value(), 1);
  EXPECT_EQ(trial.parameters().at("rank").kind_case(), v1::ParameterValue::kIntValue);
  const Params params = trial.parameters();
  EXPECT_EQ(params.get<double>("rank"), 8);
  EXPECT_EQ(params.get<std::string>("kind"), "a");
  EXPECT_FALSE(params.contains("flag"));
  std::string names;
  for (const auto& [name, value] : params) {
    names += name + " ";
  }
  EXPECT_EQ(names, "kind lr rank ");
}

TEST(Params, HaveDerivedParametersToo) {
  const auto space = asktell::with_derived(asktell::space({asktell::Int("x", 1, 9)}), "twice", "2 * x");
  EXPECT_EQ(space.derived_parameters(0).expression(), "2 * x");
  asktell::v1::Trial trial;
  *trial.mutable_parameters() = Params{{"x", 4}};
  *trial.mutable_derived_parameters() = Params{{"twice", 8}};
  const Params params = asktell::params_of(trial);
  EXPECT_EQ(params.get<int>("x"), 4);
  EXPECT_EQ(params.get<int>("twice"), 8);
}

TEST(Metrics, MayHaveAStandardError) {
  v1::TellRequest request;
  *request.mutable_metrics() = asktell::Metrics{{"loss", {0.25, 0.5}}, {"accuracy", 1}};
  EXPECT_EQ(request.metrics().at("loss").value(), 0.25);
  EXPECT_EQ(request.metrics().at("loss").standard_error(), 0.5);
  EXPECT_FALSE(request.metrics().at("accuracy").has_standard_error());
}

TEST(Words, OfEarlyStoppingAreMessages) {
  v1::EarlyStopping median = asktell::median_stopping(3);
  median.set_grace_trials(10);
  const v1::EarlyStopping any = asktell::any_stopping(
      {median, asktell::percentile_stopping(25, 2), asktell::stopping_above(0), asktell::stopping_below(1, 4),
       asktell::patience_stopping(5, 0.5), asktell::successive_halving(2), asktell::hyperband(81),
       asktell::auto_stopping(5), asktell::wilcoxon_stopping()});
  EXPECT_EQ(any.ShortDebugString(),
            "any { rules { median { min_steps: 3 } grace_trials: 10 } "
            "rules { percentile { percentile: 25 min_steps: 2 } } rules { threshold { max: 0 } } "
            "rules { threshold { min: 1 min_steps: 4 } } rules { patience { patience_steps: 5 min_gain: 0.5 } } "
            "rules { successive_halving { min_steps: 2 } } rules { hyperband { min_steps: 1 max_steps: 81 } } "
            "rules { auto { min_steps: 5 } } rules { wilcoxon { } } }");
}

TEST(Words, AskForFixedValuesAndStateContext) {
  const asktell::AskOptions options = asktell::fixed({{"batch", 8}, {"data", "flowers"}});
  const Params values = options.request.fixed_parameters();
  EXPECT_EQ(values.get<int>("batch"), 8);
  EXPECT_EQ(values.get<std::string>("data"), "flowers");
  EXPECT_TRUE(asktell::Bool("data").context().message().context());
}

TEST(Space, IsBuiltOfParameters) {
  const v1::SearchSpace space = asktell::space({
      asktell::Float("lr", 1e-4, 0.1).log().default_value(0.01),
      asktell::Float("momentum", 0.5, 1).reverse_log().step(0.1).normal_prior(0.75, 0.25),
      asktell::Int("layers", 1, 1000).log().step(2).default_value(3),
      asktell::Discrete("batch", {16, 32}).default_value(32),
      asktell::Discrete("rate", std::vector<double>{0.1, 2}),
      asktell::Categorical("kind", {"on", "1"}).default_value("on"),
      asktell::Bool("flag").default_value(false).weights_prior({1, 3}),
  });
  ASSERT_EQ(space.parameters_size(), 7);
  const auto text = [&](int index) { return space.parameters(index).ShortDebugString(); };
  EXPECT_EQ(text(0),
            "name: \"lr\" float_domain { min: 0.0001 max: 0.1 scale: SCALE_LOG } default_value { double_value: 0.01 }");
  EXPECT_EQ(text(1),
            "name: \"momentum\" float_domain { min: 0.5 max: 1 scale: SCALE_REVERSE_LOG step: 0.1 } "
            "prior { normal { mean: 0.75 relative_standard_deviation: 0.25 } }");
  EXPECT_EQ(text(2),
            "name: \"layers\" int_domain { min: 1 max: 1000 scale: SCALE_LOG step: 2 } default_value { int_value: 3 }");
  EXPECT_EQ(text(3),
            "name: \"batch\" discrete_domain { values { int_value: 16 } values { int_value: 32 } } "
            "default_value { int_value: 32 }");
  EXPECT_EQ(text(4), "name: \"rate\" discrete_domain { values { double_value: 0.1 } values { double_value: 2 } }");
  EXPECT_EQ(
      text(5),
      "name: \"kind\" categorical_domain { values: \"on\" values: \"1\" } default_value { string_value: \"on\" }");
  EXPECT_EQ(
      text(6),
      "name: \"flag\" bool_domain { } default_value { bool_value: false } prior { weights { weights: 1 weights: 3 } }");
  EXPECT_EQ(asktell::minimize("loss").goal(), v1::GOAL_MINIMIZE);
  EXPECT_EQ(asktell::maximize("accuracy").goal(), v1::GOAL_MAXIMIZE);
}

TEST(Space, HasParametersThatExistOnlyBesideCertainValues) {
  const v1::SearchSpace space = asktell::space({
      asktell::Categorical("opt", {"sgd", "adam"}).when("layers", {2, 3}),
      asktell::Float("momentum", 0, 1).when("opt", {"sgd", "adam"}).default_value(0.5),
      asktell::Int("width", 1, 9).when("rate", {0.5}),
      asktell::Discrete("rank", {4, 8}).when("deep", {true}),
      asktell::Bool("deep").when("opt", std::vector<asktell::Value>{"sgd"}),
      asktell::Int("layers", 1, 3),
  });
  std::vector<std::string> conditions;
  for (const v1::Parameter& parameter : space.parameters()) {
    conditions.push_back(parameter.has_condition() ? parameter.condition().ShortDebugString() : "none");
  }
  EXPECT_EQ(conditions, (std::vector<std::string>{
                            R"(parent: "layers" values { int_value: 2 } values { int_value: 3 })",
                            R"(parent: "opt" values { string_value: "sgd" } values { string_value: "adam" })",
                            R"(parent: "rate" values { double_value: 0.5 })",
                            R"(parent: "deep" values { bool_value: true })",
                            R"(parent: "opt" values { string_value: "sgd" })",
                            "none",
                        }));
  EXPECT_EQ(space.parameters(1).default_value().double_value(), 0.5);
}

TEST(Errors, FormATree) {
  asktell::ErrorDetails details;
  details.metadata = {{"finish_reason", "MAX_TRIALS"}};
  try {
    throw asktell::StudyComplete(details);
  } catch (const asktell::FailedPrecondition& error) {
    EXPECT_STREQ(error.what(), "study is complete: its budget of trials is used up");
  }
}

TEST(Options, WrongOnesAreRefused) {
  for (const char* address : {"http://host:1", "host:0", "host:99999", "::1:50051", ":1", "[::1:2"}) {
    asktell::ClientOptions options;
    options.address = address;
    EXPECT_THROW(asktell::Client{options}, asktell::InvalidOption) << address;
  }
  asktell::ClientOptions options;
  options.tls_ca_file = "no such file";
  EXPECT_THROW(asktell::Client{options}, asktell::InvalidOption);
}

}  // namespace
