#pragma once

#include <random>

#include "data.hpp"

struct Hyperparameters {
  double learning_rate;
  double l2;
  double momentum;
  std::size_t batch_size;
};

struct Score {
  double loss;  // mean cross-entropy
  double accuracy;
};

/// A softmax regression, trained by stochastic gradient descent with momentum. It begins at zero, where the loss is
/// log(10); it is convex, so any beginning will do. The order of rows has a fixed seed: what differs between two trials
/// is their configuration.
class Model {
 public:
  explicit Model(const Hyperparameters& hyperparameters) : hyperparameters_(hyperparameters) {}

  /// Goes once through the rows, in a new order.
  void train(const std::vector<Row>& rows);
  [[nodiscard]] Score evaluate(const std::vector<Row>& rows) const;

 private:
  using Weights = std::array<std::array<double, pixels + 1>, classes>;  // the last one of each is the bias
  struct Prediction {
    std::array<double, classes> probabilities;
    double log_likelihood;  // of the right class
  };

  [[nodiscard]] Prediction predict(const Row& row) const;
  void step(const std::vector<Row>& rows, const std::vector<std::size_t>& order, std::size_t from, std::size_t to);

  Hyperparameters hyperparameters_;
  Weights weights_{};
  Weights velocity_{};
  std::mt19937 random_{1};
};
