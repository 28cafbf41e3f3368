//! Configurations and results of one's own.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::enums::Outcome;
use crate::error::Result;
use crate::rpcs::new_request_id;
use crate::spec_codec::natural;
use crate::study::Study;
use crate::trial::Trial;
use crate::v1;
use crate::values::{Metrics, Params};

/// A configuration of one's own to run. Parameters with a default may be left out.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct QueuedTrial {
    /// A value for each parameter.
    pub params: Params,
    /// Short, and can be filtered by.
    pub labels: BTreeMap<String, String>,
    /// Free values.
    pub annotations: BTreeMap<String, String>,
}

/// A past result to bring in.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ImportedTrial {
    /// The caller's own, unique in the study: importing it again changes nothing.
    pub key: String,
    /// A value for each parameter.
    pub params: Params,
    /// How it ended.
    pub outcome: Outcome,
    /// The objective, unless it failed, and any tracked metrics.
    pub metrics: Metrics,
    /// Why, for the other outcomes.
    pub reason: String,
    /// When it was started.
    pub start_time: Option<SystemTime>,
    /// When it ended.
    pub finish_time: Option<SystemTime>,
    /// Short, and can be filtered by.
    pub labels: BTreeMap<String, String>,
    /// Free values.
    pub annotations: BTreeMap<String, String>,
}

/// What [`Study::import`] brought in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Imports {
    /// One for each that was given; those that were there before as they stand.
    pub trials: Vec<Trial>,
    /// How many are new.
    pub added: u32,
}

impl QueuedTrial {
    /// Without labels and annotations.
    pub fn new(params: impl Into<Params>) -> Self {
        Self { params: params.into(), ..Self::default() }
    }
}

impl ImportedTrial {
    /// A result with nothing more said about it.
    pub fn new(key: impl Into<String>, params: impl Into<Params>, metrics: impl Into<Metrics>) -> Self {
        Self { key: key.into(), params: params.into(), metrics: metrics.into(), ..Self::default() }
    }
}

impl Study {
    /// Queues configurations; they are handed out before the algorithm's.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error), [`Error::StudyComplete`](crate::Error).
    pub async fn enqueue(&self, trials: impl IntoIterator<Item = QueuedTrial>) -> Result<Vec<Trial>> {
        let request = v1::EnqueueTrialsRequest {
            study: self.name().to_owned(),
            trials: trials.into_iter().map(Into::into).collect(),
            request_id: new_request_id(),
            ..Default::default()
        };
        Ok(self.handles(self.session.call(request).await?.trials))
    }

    /// Brings in past results.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error).
    pub async fn import(&self, trials: impl IntoIterator<Item = ImportedTrial>) -> Result<Imports> {
        let request = v1::ImportTrialsRequest {
            study: self.name().to_owned(),
            trials: trials.into_iter().map(Into::into).collect(),
            request_id: new_request_id(),
            ..Default::default()
        };
        let answer = self.session.call(request).await?;
        Ok(Imports { trials: self.handles(answer.trials), added: natural(answer.imported_count) })
    }
}

impl From<QueuedTrial> for v1::EnqueuedTrial {
    fn from(trial: QueuedTrial) -> Self {
        Self {
            parameters: trial.params.to_wire(),
            labels: trial.labels,
            annotations: trial.annotations,
            ..Self::default()
        }
    }
}

impl From<ImportedTrial> for v1::ImportedTrial {
    fn from(trial: ImportedTrial) -> Self {
        Self {
            import_key: trial.key,
            parameters: trial.params.to_wire(),
            outcome: trial.outcome.to_wire(),
            metrics: trial.metrics.to_wire(),
            reason: trial.reason,
            start_time: trial.start_time.map(Into::into),
            finish_time: trial.finish_time.map(Into::into),
            labels: trial.labels,
            annotations: trial.annotations,
            ..Self::default()
        }
    }
}
