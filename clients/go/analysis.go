package asktell

import (
	"context"

	"google.golang.org/protobuf/proto"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// What a model of the study's results believes. A metric is an objective or a constrained metric, "" the first objective. The answers are
// messages of the contract.

// Importances says which parameters matter, and which pairs interact: shares of the variance that they explain.
//
// Errors: [ErrTooFewResults].
func (s *Study) Importances(ctx context.Context, metric string) (*pb.GetImportancesResponse, error) {
	return s.session.analysis.GetImportances(ctx, &pb.GetImportancesRequest{Parent: s.Name(), Metric: metric})
}

// Predict says what configurations are expected to come to; Beliefs has all objectives and constrained metrics.
//
// Errors: [ErrTooFewResults].
func (s *Study) Predict(ctx context.Context, configurations ...Params) (*pb.PredictOutcomesResponse, error) {
	request := &pb.PredictOutcomesRequest{Parent: s.Name()}
	for _, params := range configurations {
		request.Configurations = append(request.Configurations, &pb.Configuration{Parameters: params})
	}
	return s.session.analysis.PredictOutcomes(ctx, request)
}

// Slice says what is expected along one or two parameters, the others being those of the best trial, or of the request's Reference.
//
// Errors: [ErrTooFewResults].
func (s *Study) Slice(ctx context.Context, request *SliceRequest) (*pb.GetSliceResponse, error) {
	request = proto.CloneOf(request)
	request.Parent = s.Name()
	return s.session.analysis.GetSlice(ctx, request)
}

// CrossValidate foretells each result from all others: how far the model can be trusted.
//
// Errors: [ErrTooFewResults].
func (s *Study) CrossValidate(ctx context.Context, metric string) (*pb.CrossValidateResponse, error) {
	return s.session.analysis.CrossValidate(ctx, &pb.CrossValidateRequest{Parent: s.Name(), Metric: metric})
}

// TradeOffs says, along the Pareto front, what one objective costs in terms of another. Errors: [ErrFailedPrecondition] with one objective,
// [ErrTooFewResults].
func (s *Study) TradeOffs(ctx context.Context) (*pb.GetTradeOffsResponse, error) {
	return s.session.analysis.GetTradeOffs(ctx, &pb.GetTradeOffsRequest{Parent: s.Name()})
}

// Health says what is wrong with the study or could be better, and what further trials are expected to gain. It needs no results.
func (s *Study) Health(ctx context.Context) (*pb.GetHealthResponse, error) {
	return s.session.analysis.GetHealth(ctx, &pb.GetHealthRequest{Parent: s.Name()})
}
