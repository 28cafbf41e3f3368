#!/usr/bin/env bash
# Trains a softmax regression on the digits with nothing but awk, for `asktell run`: hyperparameters come in as
# ASKTELL_PARAM_* variables, metrics go out as JSON lines.
#
#   ASKTELL_PARAM_LR=0.1 ASKTELL_PARAM_L2=1e-4 ASKTELL_PARAM_BATCH_SIZE=32 ASKTELL_PARAM_EPOCHS=5 \
#     ASKTELL_PARAM_MOMENTUM=0.5 examples/bash/train.sh
set -euo pipefail
export LC_ALL=C # a decimal point is a point
data=$(dirname "$0")/../data/digits.csv

exec awk -F, \
  -v lr="${ASKTELL_PARAM_LR:?}" -v l2="${ASKTELL_PARAM_L2:?}" -v batch="${ASKTELL_PARAM_BATCH_SIZE:?}" \
  -v epochs="${ASKTELL_PARAM_EPOCHS:?}" -v momentum="${ASKTELL_PARAM_MOMENTUM:?}" '
# Most pixels are white (0), so a row keeps only the others: the places in `at`, the values, from 0 to 1, in `grey`.
# Place 64 is the bias. Weights of place p and digit d are weight[10 * p + d].
FNR > 1 {
  rows++
  label[rows] = $65
  n = 0
  for (p = 0; p < 64; p++) if ($(p + 1) > 0) { n++; at[rows, n] = 10 * p; grey[rows, n] = $(p + 1) / 16 }
  n++; at[rows, n] = 640; grey[rows, n] = 1
  count[rows] = n
}

# The probabilities of the ten digits for a row, in `share`.
function predict(row,    i, d, base, value, highest, sum) {
  for (d = 0; d < 10; d++) score[d] = 0
  for (i = 1; i <= count[row]; i++) {
    base = at[row, i]; value = grey[row, i]
    for (d = 0; d < 10; d++) score[d] += weight[base + d] * value
  }
  highest = score[0]
  for (d = 1; d < 10; d++) if (score[d] > highest) highest = score[d]
  sum = 0
  for (d = 0; d < 10; d++) { share[d] = exp(score[d] - highest); sum += share[d] }
  for (d = 0; d < 10; d++) share[d] /= sum
}

# One step of gradient descent with momentum, by the mean gradient of rows `first` to `last` of the shuffled order.
function step(first, last,    i, j, d, row, base, value, k, size) {
  size = last - first + 1
  for (k = 0; k < 650; k++) gradient[k] = k < 640 ? l2 * weight[k] : 0 # the bias is not held back
  for (i = first; i <= last; i++) {
    row = order[i]
    predict(row)
    share[label[row]] -= 1
    for (j = 1; j <= count[row]; j++) {
      base = at[row, j]; value = grey[row, j] / size
      for (d = 0; d < 10; d++) gradient[base + d] += share[d] * value
    }
  }
  for (k = 0; k < 650; k++) {
    velocity[k] = momentum * velocity[k] - lr * gradient[k]
    weight[k] += velocity[k]
  }
}

function shuffle(count,    i, j, kept) {
  for (i = count; i > 1; i--) {
    j = 1 + int(rand() * i)
    kept = order[i]; order[i] = order[j]; order[j] = kept
  }
}

# Mean cross-entropy and accuracy on the validation rows, as JSON; with a step it is a report, without one the result.
function measure(at_step,    row, d, loss, right, best, metrics) {
  loss = right = 0
  for (row = train + 1; row <= validation; row++) {
    predict(row)
    best = 0
    for (d = 1; d < 10; d++) if (share[d] > share[best]) best = d
    right += (best == label[row])
    loss -= log(share[label[row]] > 1e-300 ? share[label[row]] : 1e-300)
  }
  metrics = sprintf("\"val_loss\": %.17g, \"val_accuracy\": %.17g", loss / (validation - train), right / (validation - train))
  print "{" (at_step == "" ? "" : "\"step\": " at_step ", ") metrics "}"
  fflush() # a report is of use while the training runs
}

END {
  train = int(rows * 6 / 10); validation = int(rows * 8 / 10) # the rest is the test split: never looked at here
  srand(1)
  for (k = 0; k < 650; k++) weight[k] = velocity[k] = 0
  for (i = 1; i <= train; i++) order[i] = i
  for (epoch = 1; epoch <= epochs; epoch++) {
    shuffle(train)
    for (first = 1; first <= train; first += batch) step(first, first + batch - 1 < train ? first + batch - 1 : train)
    if (epoch < epochs) measure(epoch)
  }
  measure("")
}' "$data"
