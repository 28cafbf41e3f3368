package main

import (
	"math"
	"testing"
)

func TestSplit(t *testing.T) {
	digits := mustRead(t)
	if len(digits.train) != 1078 || len(digits.validation) != 359 {
		t.Errorf("%d rows to train and %d to validate, want 1078 and 359", len(digits.train), len(digits.validation))
	}
}

func TestTrainingLearns(t *testing.T) {
	digits := mustRead(t)
	model := newModel(hyperparameters{learningRate: 0.05, l2: 1e-4, batchSize: 32, momentum: 0.9})
	before, _ := model.evaluate(digits.validation)
	if math.Abs(before-math.Log(classes)) > 1e-9 {
		t.Errorf("the loss of a model that knows nothing is %v, want log(10)", before)
	}
	for range 5 {
		model.train(digits.train)
	}
	if loss, accuracy := model.evaluate(digits.validation); loss > 0.5 || accuracy < 0.85 {
		t.Errorf("after 5 epochs loss %v and accuracy %v", loss, accuracy)
	}
}

func TestWildSettingsStayFinite(t *testing.T) {
	digits := mustRead(t)
	model := newModel(hyperparameters{learningRate: 1, l2: 0.1, batchSize: 16, momentum: 0.95})
	model.train(digits.train)
	if loss, _ := model.evaluate(digits.validation); math.IsNaN(loss) || math.IsInf(loss, 0) {
		t.Errorf("loss %v", loss)
	}
}

func mustRead(t *testing.T) *dataset {
	t.Helper()
	digits, err := readDigits("../data/digits.csv")
	if err != nil {
		t.Fatal(err)
	}
	return digits
}
