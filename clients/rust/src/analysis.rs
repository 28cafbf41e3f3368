//! What a model of a study's results believes.

use crate::error::Result;
use crate::named::Named;
use crate::study::Study;
use crate::v1;

/// What a model of the study's results believes. A metric is an objective or a constrained metric, `""` the first objective.
/// Answers are messages of the contract. All but [`health`](Self::health) end with [`Error::TooFewResults`](crate::Error)
/// where the model has too few results.
impl Study {
    /// Which parameters matter, and which pairs interact: shares of the variance that they explain.
    pub async fn importances(&self, metric: &str) -> Result<v1::GetImportancesResponse> {
        let (parent, metric) = (self.name().to_owned(), metric.to_owned());
        self.session.call(v1::GetImportancesRequest { parent, metric, ..Default::default() }).await
    }

    /// What configurations are expected to come to: `study.predict([[("lr", 1e-4)]])`; `beliefs` has all objectives and
    /// constrained metrics.
    pub async fn predict(
        &self,
        configurations: impl IntoIterator<Item = impl Named<v1::ParameterValue>>,
    ) -> Result<v1::PredictOutcomesResponse> {
        let configurations = configurations.into_iter().map(Named::into_map);
        let configurations = configurations.map(|parameters| v1::Configuration { parameters, ..Default::default() });
        let (parent, configurations) = (self.name().to_owned(), configurations.collect());
        self.session.call(v1::PredictOutcomesRequest { parent, configurations, ..Default::default() }).await
    }

    /// What is expected along one or two parameters, the others being those of the best trial, or of the request's
    /// `reference`. `parent` is filled in.
    pub async fn slice(&self, request: v1::GetSliceRequest) -> Result<v1::GetSliceResponse> {
        self.session.call(v1::GetSliceRequest { parent: self.name().to_owned(), ..request }).await
    }

    /// Each result, foretold from all others: how far the model can be trusted.
    pub async fn cross_validate(&self, metric: &str) -> Result<v1::CrossValidateResponse> {
        let (parent, metric) = (self.name().to_owned(), metric.to_owned());
        self.session.call(v1::CrossValidateRequest { parent, metric, ..Default::default() }).await
    }

    /// What one objective costs in terms of another, along the Pareto front of a study with several.
    pub async fn trade_offs(&self) -> Result<v1::GetTradeOffsResponse> {
        let parent = self.name().to_owned();
        self.session.call(v1::GetTradeOffsRequest { parent, ..Default::default() }).await
    }

    /// What is wrong with the study or could be better, and what further trials are expected to gain.
    pub async fn health(&self) -> Result<v1::GetHealthResponse> {
        let parent = self.name().to_owned();
        self.session.call(v1::GetHealthRequest { parent, ..Default::default() }).await
    }
}
