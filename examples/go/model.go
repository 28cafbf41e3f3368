package main

import (
	"math"
	"math/rand/v2"
)

type hyperparameters struct {
	learningRate, l2, momentum float64
	batchSize                  int
}

type weights [classes][pixels + 1]float64 // the last one is the bias

// model is a softmax regression, trained by stochastic gradient descent with momentum.
type model struct {
	hyperparameters
	weights, velocity weights
	random            *rand.Rand
}

// newModel begins at zero, where the loss is log(10); it is convex, so any beginning will do. The order of rows has a
// fixed seed: what differs between two trials is their configuration.
func newModel(h hyperparameters) *model {
	return &model{hyperparameters: h, random: rand.New(rand.NewPCG(1, 2))}
}

// train goes once through the rows, in a new order.
func (m *model) train(rows []row) {
	order := m.random.Perm(len(rows))
	for start := 0; start < len(order); start += m.batchSize {
		m.step(rows, order[start:min(start+m.batchSize, len(order))])
	}
}

func (m *model) step(rows []row, batch []int) {
	var gradient weights
	for _, index := range batch {
		example := &rows[index]
		probabilities, _ := m.predict(example)
		probabilities[example.label]--
		for class, difference := range probabilities {
			for pixel, value := range example.pixels {
				gradient[class][pixel] += difference * value
			}
			gradient[class][pixels] += difference
		}
	}
	for class := range m.weights {
		for i := range m.weights[class] {
			slope := gradient[class][i] / float64(len(batch))
			if i < pixels { // the bias is not decayed
				slope += m.l2 * m.weights[class][i]
			}
			m.velocity[class][i] = m.momentum*m.velocity[class][i] - m.learningRate*slope
			m.weights[class][i] += m.velocity[class][i]
		}
	}
}

// predict returns the probability of each class, and the log-probability of the right one.
func (m *model) predict(example *row) (probabilities [classes]float64, logLikelihood float64) {
	var scores [classes]float64
	highest := math.Inf(-1)
	for class := range scores {
		score := m.weights[class][pixels]
		for pixel, value := range example.pixels {
			score += m.weights[class][pixel] * value
		}
		scores[class] = score
		highest = math.Max(highest, score)
	}
	sum := 0.0
	for class, score := range scores {
		probabilities[class] = math.Exp(score - highest) // at most 1, however large the scores
		sum += probabilities[class]
	}
	for class := range probabilities {
		probabilities[class] /= sum
	}
	return probabilities, scores[example.label] - highest - math.Log(sum)
}

// evaluate returns the mean cross-entropy and the share of rows that are classified right.
func (m *model) evaluate(rows []row) (loss, accuracy float64) {
	right := 0
	for i := range rows {
		probabilities, logLikelihood := m.predict(&rows[i])
		loss -= logLikelihood
		best := 0
		for class, probability := range probabilities {
			if probability > probabilities[best] {
				best = class
			}
		}
		if best == rows[i].label {
			right++
		}
	}
	return loss / float64(len(rows)), float64(right) / float64(len(rows))
}
