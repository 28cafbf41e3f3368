#include "model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

void Model::train(const std::vector<Row>& rows) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random_);
  for (std::size_t from = 0; from < order.size(); from += hyperparameters_.batch_size) {
    step(rows, order, from, std::min(from + hyperparameters_.batch_size, order.size()));
  }
}

void Model::step(const std::vector<Row>& rows, const std::vector<std::size_t>& order, std::size_t from,
                 std::size_t to) {
  Weights gradient{};
  for (std::size_t i = from; i < to; ++i) {
    const Row& row = rows[order[i]];
    auto differences = predict(row).probabilities;
    differences[row.label] -= 1;
    for (std::size_t each = 0; each < classes; ++each) {
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        gradient[each][pixel] += differences[each] * row.image[pixel];
      }
      gradient[each][pixels] += differences[each];
    }
  }
  for (std::size_t each = 0; each < classes; ++each) {
    for (std::size_t i = 0; i <= pixels; ++i) {
      double slope = gradient[each][i] / static_cast<double>(to - from);
      if (i < pixels) {  // the bias is not decayed
        slope += hyperparameters_.l2 * weights_[each][i];
      }
      velocity_[each][i] = hyperparameters_.momentum * velocity_[each][i] - hyperparameters_.learning_rate * slope;
      weights_[each][i] += velocity_[each][i];
    }
  }
}

Model::Prediction Model::predict(const Row& row) const {
  std::array<double, classes> scores{};
  for (std::size_t each = 0; each < classes; ++each) {
    scores[each] =
        std::inner_product(row.image.begin(), row.image.end(), weights_[each].begin(), weights_[each][pixels]);
  }
  const double highest = *std::max_element(scores.begin(), scores.end());
  Prediction prediction{};
  double sum = 0;
  for (std::size_t each = 0; each < classes; ++each) {
    prediction.probabilities[each] = std::exp(scores[each] - highest);  // at most 1, however large the scores
    sum += prediction.probabilities[each];
  }
  for (double& probability : prediction.probabilities) {
    probability /= sum;
  }
  prediction.log_likelihood = scores[row.label] - highest - std::log(sum);
  return prediction;
}

Score Model::evaluate(const std::vector<Row>& rows) const {
  Score score{0, 0};
  for (const Row& row : rows) {
    const Prediction prediction = predict(row);
    const auto& all = prediction.probabilities;
    const auto best = std::max_element(all.begin(), all.end()) - all.begin();
    score.loss -= prediction.log_likelihood;
    score.accuracy += static_cast<std::size_t>(best) == row.label ? 1 : 0;
  }
  const auto count = static_cast<double>(rows.size());
  return {score.loss / count, score.accuracy / count};
}
