// Tunes a softmax regression on handwritten digits. Any number of these, and of its siblings in other languages, may
// work on one study at once.
//
//     digits [STUDY] [--trials N] [--study-file FILE] [--data FILE]
#include <unistd.h>

#include <asktell/asktell.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <stdexcept>

#include "model.hpp"

namespace {

struct Arguments {
  std::string study;  // empty: the name in the file
  std::string study_file = "examples/digits.yaml";
  std::string data = "examples/data/digits.csv";
  int trials = 30;
};

Arguments parse(const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].rfind("--", 0) != 0) {
      arguments.study = words[i];
      continue;
    }
    if (i + 1 == words.size()) {
      throw std::invalid_argument(words[i] + " needs a value");
    }
    const std::string& option = words[i];
    const std::string& value = words[++i];
    if (option == "--trials") {
      arguments.trials = std::stoi(value);
    } else if (option == "--study-file") {
      arguments.study_file = value;
    } else if (option == "--data") {
      arguments.data = value;
    } else {
      throw std::invalid_argument("unknown option " + option);
    }
  }
  return arguments;
}

/// Asks, trains and tells. A trial that an exception leaves behind is given back by its destructor.
void one_trial(asktell::Study& study, const Dataset& digits) {
  asktell::Trial trial = study.ask();
  const asktell::Params& params = trial.params();
  const auto began = std::chrono::steady_clock::now();
  Model model({params.get<double>("lr"), params.get<double>("l2"), params.get<double>("momentum"),
               static_cast<std::size_t>(params.get<int>("batch_size"))});
  Score score{};
  for (int epoch = 0; epoch < params.get<int>("epochs"); ++epoch) {
    model.train(digits.train);
    score = model.evaluate(digits.validation);
    if (!std::isfinite(score.loss)) {
      trial.fail("diverged in epoch " + std::to_string(epoch));
      return;
    }
    const asktell::Metrics metrics{{"val_loss", score.loss}, {"val_accuracy", score.accuracy}};
    const auto progress = trial.report(epoch, metrics);
    if (!progress.lease_valid()) {
      return;  // called off, or with another worker: there is nothing to tell
    }
    if (progress.should_stop()) {
      trial.stop(metrics);
      return;
    }
  }
  trial.tell({{"val_loss", score.loss}, {"val_accuracy", score.accuracy}});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("cpp trial %3lld  val_loss %.4f  val_accuracy %.4f  %.2f s  lr %.2e  l2 %.2e  batch %d  momentum %.2f\n",
              static_cast<long long>(trial.number()), score.loss, score.accuracy, took.count(),
              params.get<double>("lr"), params.get<double>("l2"), params.get<int>("batch_size"),
              params.get<double>("momentum"));
  std::fflush(stdout);
}

void run(const Arguments& arguments) {
  const Dataset digits = read_digits(arguments.data);
  asktell::ClientOptions options;
  options.worker_id = "cpp:" + std::to_string(getpid());
  asktell::Client client(options);
  asktell::Study study = client.create_study_from_file(arguments.study_file, asktell::Existing::open, arguments.study);
  try {
    for (int i = 0; i < arguments.trials; ++i) {
      one_trial(study, digits);
    }
  } catch (const asktell::StudyComplete& complete) {
    std::cout << complete.what() << '\n';
  }
  if (const auto best = study.best()) {
    std::printf("best: trial %lld  val_loss %.4f\n", static_cast<long long>(best->number()),
                best->info()->metrics().at("val_loss").value());
  }
}

}  // namespace

int main(int count, char** words) {
  try {
    run(parse({words + 1, words + count}));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "digits: " << error.what() << '\n';
    return 1;
  }
}
