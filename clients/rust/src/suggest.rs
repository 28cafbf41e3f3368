//! Suggestions without a study.

use crate::client::Client;
use crate::enums::{Origin, Outcome};
use crate::error::Result;
use crate::space::{Domain, Parameter, to_wire};
use crate::spec::{Algorithm, Objective};
use crate::spec_codec::{algorithm, count, objectives};
use crate::trial_info::Prediction;
use crate::v1;
use crate::values::{Metrics, Params};

/// What [`Client::suggest`] is asked: what to optimise, and what is known about it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Problem {
    /// What may be varied.
    pub space: Vec<Parameter>,
    /// What is optimised.
    pub objectives: Vec<Objective>,
    /// How configurations are found.
    pub algorithm: Algorithm,
    /// Configurations that have been run; at most 20,000.
    pub observations: Vec<Observation>,
    /// Configurations that are running now; suggestions keep away from them. At most 1,000.
    pub pending: Vec<Params>,
    /// How many times each configuration may be tried; 0 = 1.
    pub replicates: u32,
    /// How many suggestions there should be; 0 = 1.
    pub count: u32,
    /// Seed of everything random, 0 to 2^53 - 1.
    pub seed: i64,
    /// Of an earlier answer for the same problem: makes the next one faster.
    pub warm_start: Vec<u8>,
}

impl Problem {
    /// Nothing chosen yet: at least a parameter and an objective are needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, domain: impl Into<Domain>) -> Self {
        self.space.push(Parameter::new(name, domain));
        self
    }

    /// Adds an objective.
    #[must_use]
    pub fn objective(mut self, objective: Objective) -> Self {
        self.objectives.push(objective);
        self
    }

    /// Adds a configuration that has been run.
    #[must_use]
    pub fn observation(mut self, observation: Observation) -> Self {
        self.observations.push(observation);
        self
    }
}

/// A configuration that has been run.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Observation {
    /// A value for each parameter.
    pub params: Params,
    /// How it ended.
    pub outcome: Outcome,
    /// The objective, unless it failed.
    pub metrics: Metrics,
}

impl Observation {
    /// One that succeeded.
    pub fn new(params: impl Into<Params>, metrics: impl Into<Metrics>) -> Self {
        Self { params: params.into(), metrics: metrics.into(), outcome: Outcome::Succeeded }
    }

    /// One that ended otherwise.
    #[must_use]
    pub fn outcome(self, outcome: Outcome) -> Self {
        Self { outcome, ..self }
    }
}

/// The answer of [`Client::suggest`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Suggestions {
    /// As many as asked for; fewer only when a grid has no more points.
    pub suggestions: Vec<Suggestion>,
    /// For the next call.
    pub warm_start: Vec<u8>,
}

/// A configuration to run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Suggestion {
    /// A value for each parameter.
    pub params: Params,
    /// Where it came from.
    pub origin: Origin,
    /// What the model believes about it; `None` without a model.
    pub prediction: Option<Prediction>,
}

impl Client {
    /// Suggests configurations for a problem and its history, without a study: nothing is stored, and the same problem
    /// gets the same suggestions.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error), [`Error::NotSupported`](crate::Error),
    /// [`Error::StudyComplete`](crate::Error) (the grid is exhausted), [`Error::QueueEmpty`](crate::Error) (manual search
    /// suggests nothing).
    pub async fn suggest(&self, problem: &Problem) -> Result<Suggestions> {
        let request = v1::SuggestRequest {
            problem: Some(v1::Problem {
                search_space: Some(to_wire(&problem.space)),
                objectives: objectives(&problem.objectives),
                algorithm: Some(algorithm(&problem.algorithm)),
                replicates: count(problem.replicates),
                ..v1::Problem::default()
            }),
            observations: problem.observations.iter().map(observation).collect(),
            pending: problem
                .pending
                .iter()
                .map(|params| v1::Configuration { parameters: params.to_wire(), ..Default::default() })
                .collect(),
            count: count(problem.count),
            seed: problem.seed,
            warm_start: problem.warm_start.clone(),
            ..Default::default()
        };
        let answer = self.session().call(request).await?;
        let decoded = |wire: v1::Suggestion| Suggestion {
            params: Params::from_wire(wire.parameters),
            origin: Origin::from_wire(wire.origin).unwrap_or(Origin::Unknown),
            prediction: wire.prediction.map(Into::into),
        };
        Ok(Suggestions {
            suggestions: answer.suggestions.into_iter().map(decoded).collect(),
            warm_start: answer.warm_start,
        })
    }
}

fn observation(observation: &Observation) -> v1::Observation {
    v1::Observation {
        parameters: observation.params.to_wire(),
        state: observation.outcome.state().to_wire(),
        metrics: observation.metrics.to_wire(),
        ..Default::default()
    }
}
