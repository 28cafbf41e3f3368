package io.asktell;

import io.asktell.v1.AnalysisServiceGrpc;
import io.asktell.v1.Configuration;
import io.asktell.v1.CrossValidateRequest;
import io.asktell.v1.CrossValidateResponse;
import io.asktell.v1.GetHealthRequest;
import io.asktell.v1.GetHealthResponse;
import io.asktell.v1.GetImportancesRequest;
import io.asktell.v1.GetImportancesResponse;
import io.asktell.v1.GetSliceRequest;
import io.asktell.v1.GetSliceResponse;
import io.asktell.v1.GetTradeOffsRequest;
import io.asktell.v1.GetTradeOffsResponse;
import io.asktell.v1.PredictOutcomesRequest;
import io.asktell.v1.PredictOutcomesResponse;
import java.util.List;
import java.util.Map;

/**
 * What a model of a study's results believes, see {@link Study#analysis}. Each is asked of the
 * server anew. A metric is an objective or a constrained one, {@code ""} the first objective.
 *
 * <p>All but {@link #health} throw {@link AsktellException.TooFewResultsException} where the model
 * has too few results. Methods that take a request message fill in its study.
 */
public final class Analysis {
  private final Session session;
  private final String study;

  Analysis(Session session, String study) {
    this.session = session;
    this.study = study;
  }

  /** Which parameters matter for the first objective, and which pairs interact. */
  public GetImportancesResponse importances() {
    return importances("");
  }

  /** Which parameters matter, and which pairs interact, by the variance that they explain. */
  public GetImportancesResponse importances(String metric) {
    return session.calls.unary(
        AnalysisServiceGrpc.getGetImportancesMethod(),
        GetImportancesRequest.newBuilder().setParent(study).setMetric(metric).build());
  }

  /**
   * What configurations are expected to come to; the beliefs are of all objectives and constrained
   * metrics.
   *
   * @param configurations values by parameter, as {@link Params#of} takes them
   */
  public PredictOutcomesResponse predict(List<? extends Map<String, ?>> configurations) {
    PredictOutcomesRequest.Builder request = PredictOutcomesRequest.newBuilder();
    for (Map<String, ?> params : configurations) {
      request.addConfigurations(
          Configuration.newBuilder().putAllParameters(Params.of(params).values()));
    }
    return predict(request.build());
  }

  /** What configurations are expected to come to, with any field of the request. */
  public PredictOutcomesResponse predict(PredictOutcomesRequest request) {
    return session.calls.unary(
        AnalysisServiceGrpc.getPredictOutcomesMethod(),
        request.toBuilder().setParent(study).build());
  }

  /** What is expected along one or two parameters, the others being those of the best trial. */
  public GetSliceResponse slice(String... parameters) {
    return slice(GetSliceRequest.newBuilder().addAllParameters(List.of(parameters)).build());
  }

  /** What is expected along one or two parameters, with any field of the request. */
  public GetSliceResponse slice(GetSliceRequest request) {
    return session.calls.unary(
        AnalysisServiceGrpc.getGetSliceMethod(), request.toBuilder().setParent(study).build());
  }

  /** Each result of the first objective, foretold from all others. */
  public CrossValidateResponse crossValidate() {
    return crossValidate("");
  }

  /** Each result, foretold from all others: how far the model can be trusted. */
  public CrossValidateResponse crossValidate(String metric) {
    return session.calls.unary(
        AnalysisServiceGrpc.getCrossValidateMethod(),
        CrossValidateRequest.newBuilder().setParent(study).setMetric(metric).build());
  }

  /**
   * What one objective costs in terms of another, along the Pareto front.
   *
   * @throws AsktellException.FailedPreconditionException with one objective
   */
  public GetTradeOffsResponse tradeOffs() {
    return session.calls.unary(
        AnalysisServiceGrpc.getGetTradeOffsMethod(),
        GetTradeOffsRequest.newBuilder().setParent(study).build());
  }

  /** What is wrong with the study or could be better, and what further trials should gain. */
  public GetHealthResponse health() {
    return session.calls.unary(
        AnalysisServiceGrpc.getGetHealthMethod(),
        GetHealthRequest.newBuilder().setParent(study).build());
  }
}
