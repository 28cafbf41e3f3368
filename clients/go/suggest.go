package asktell

import (
	"context"
	"fmt"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Problem is what [Client.Suggest] is asked: what to optimise, and what is known about it.
type Problem struct {
	Space      Space
	Objectives []Objective
	// Algorithm: nil = [Auto].
	Algorithm Algorithm
	// Replicates is how many times each configuration may be tried; 0 = once.
	Replicates int
	// Observations are configurations that have been run; at most 20,000.
	Observations []Observation
	// Pending are configurations that are running now; suggestions keep away from them. At most 1,000.
	Pending []Params
	// Count is how many suggestions there should be; 0 = 1.
	Count int
	// Seed is of everything random.
	Seed int64
	// WarmStart of an earlier answer for the same problem makes the next one faster.
	WarmStart []byte
}

// Observation is a configuration that has been run.
type Observation struct {
	Params Params
	// Outcome: empty = [Succeeded].
	Outcome        Outcome
	Metrics        Metrics
	StandardErrors StandardErrors
}

// Suggestions is the answer of [Client.Suggest].
type Suggestions struct {
	Suggestions []Suggestion
	// WarmStart is for the next call.
	WarmStart []byte
}

// Suggestion is a configuration to run.
type Suggestion struct {
	Params Params
	Origin Origin
	// Prediction is what the model believes about it; nil without a model.
	Prediction *Prediction
}

// Suggest suggests configurations for a problem and its history, without a study: nothing is stored, and the same
// problem gets the same suggestions.
//
// Errors: [ErrInvalidArgument], [ErrNotSupported], [ErrStudyComplete] (the grid is exhausted), [ErrQueueEmpty] (manual
// search suggests nothing).
func (c *Client) Suggest(ctx context.Context, problem Problem) (*Suggestions, error) {
	request, err := encodeProblem(problem)
	if err != nil {
		return nil, err
	}
	answer, err := c.session.suggestions.Suggest(ctx, request)
	if err != nil {
		return nil, err
	}
	found := &Suggestions{WarmStart: answer.GetWarmStart()}
	for _, suggestion := range answer.GetSuggestions() {
		found.Suggestions = append(found.Suggestions, Suggestion{
			Params:     decodeParams(suggestion.GetParameters()),
			Origin:     decodeEnum[Origin](suggestion.GetOrigin(), "ORIGIN_"),
			Prediction: decodePrediction(suggestion.GetPrediction()),
		})
	}
	return found, nil
}

func encodeProblem(problem Problem) (*pb.SuggestRequest, error) {
	e := &encoder{}
	request := &pb.SuggestRequest{
		Problem: &pb.Problem{
			SearchSpace: keep(e, encodeSpace, problem.Space),
			Objectives:  e.objectives(problem.Objectives),
			Algorithm:   e.algorithm(problem.Algorithm),
			Replicates:  e.int32(problem.Replicates, "problem.replicates"),
		},
		Count:     e.int32(problem.Count, "count"),
		Seed:      problem.Seed,
		WarmStart: problem.WarmStart,
	}
	for i, observation := range problem.Observations {
		wire, err := encodeObservation(observation, fmt.Sprintf("observations[%d]", i))
		e.note(err)
		request.Observations = append(request.Observations, wire)
	}
	for i, params := range problem.Pending {
		wire, err := encodeParams(params, fmt.Sprintf("pending[%d]", i))
		e.note(err)
		request.Pending = append(request.Pending, &pb.Configuration{Parameters: wire})
	}
	return request, e.err
}

func encodeObservation(observation Observation, where string) (*pb.Observation, error) {
	params, err := encodeParams(observation.Params, where)
	if err != nil {
		return nil, err
	}
	metrics, err := encodeMetrics(observation.Metrics, observation.StandardErrors)
	if err != nil {
		return nil, err
	}
	state, err := encodeEnum[pb.TrialState](observation.Outcome, "TRIAL_STATE_", where+".outcome")
	if err != nil {
		return nil, err
	}
	return &pb.Observation{Parameters: params, State: state, Metrics: metrics}, nil
}
