#include "handles.hpp"

namespace asktell {
namespace {

using AnalysisStub = v1::AnalysisService::Stub;

template <class Request>
Request about(const std::string& study, const std::string& metric) {
  Request request;
  request.set_parent(study);
  request.set_metric(metric);
  return request;
}

}  // namespace

v1::GetImportancesResponse Study::importances(const std::string& metric) const {
  Session& session = *impl_->session;
  return session.call(&AnalysisStub::GetImportances, about<v1::GetImportancesRequest>(name(), metric),
                      session.settings.ask_timeout);
}

v1::PredictOutcomesResponse Study::predict(const std::vector<Params>& configurations) const {
  Session& session = *impl_->session;
  v1::PredictOutcomesRequest request;
  request.set_parent(name());
  for (const Params& params : configurations) {
    *request.add_configurations()->mutable_parameters() = params;
  }
  return session.call(&AnalysisStub::PredictOutcomes, std::move(request), session.settings.ask_timeout);
}

v1::GetSliceResponse Study::slice(v1::GetSliceRequest request) const {
  Session& session = *impl_->session;
  request.set_parent(name());
  return session.call(&AnalysisStub::GetSlice, std::move(request), session.settings.ask_timeout);
}

v1::CrossValidateResponse Study::cross_validate(const std::string& metric) const {
  Session& session = *impl_->session;
  return session.call(&AnalysisStub::CrossValidate, about<v1::CrossValidateRequest>(name(), metric),
                      session.settings.ask_timeout);
}

v1::GetTradeOffsResponse Study::trade_offs() const {
  Session& session = *impl_->session;
  v1::GetTradeOffsRequest request;
  request.set_parent(name());
  return session.call(&AnalysisStub::GetTradeOffs, std::move(request), session.settings.ask_timeout);
}

v1::GetHealthResponse Study::health() const {
  Session& session = *impl_->session;
  v1::GetHealthRequest request;
  request.set_parent(name());
  return session.call(&AnalysisStub::GetHealth, std::move(request), session.settings.ask_timeout);
}

}  // namespace asktell
