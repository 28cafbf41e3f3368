//! A trial as a server told it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::enums::{Origin, TrialState};
use crate::spec_codec::{natural, time};
use crate::v1;
use crate::values::{Metrics, Params};

/// A trial as a server told it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrialInfo {
    /// `projects/{project}/studies/{study}/trials/{number}`.
    pub name: String,
    /// Counts from 1 in its study.
    pub number: i64,
    /// Where it stands.
    pub state: TrialState,
    /// A value for each parameter.
    pub params: Params,
    /// Where the configuration came from.
    pub origin: Origin,
    /// The final ones, or the last known ones of a stopped trial.
    pub metrics: Metrics,
    /// Why it is failed, infeasible, cancelled, stopped or abandoned.
    pub reason: String,
    /// How many times it has been started.
    pub attempt: u32,
    /// Who runs or ran it.
    pub worker_id: String,
    /// When it was created.
    pub create_time: Option<SystemTime>,
    /// When the current attempt started.
    pub start_time: Option<SystemTime>,
    /// When it ended.
    pub finish_time: Option<SystemTime>,
    /// Short, and can be filtered by.
    pub labels: BTreeMap<String, String>,
    /// Free values.
    pub annotations: BTreeMap<String, String>,
    /// What the model believed when it suggested the configuration; `None` for other origins.
    pub prediction: Option<Prediction>,
    /// Earlier results that corrections replaced, oldest first.
    pub amendments: Vec<Amendment>,
    /// Late results of other attempts: kept, never used.
    pub superseded_results: Vec<SupersededResult>,
    /// The caller's key of an imported trial.
    pub import_key: String,
    /// How many intermediate measurements have been reported.
    pub measurement_count: u32,
    /// There after [`Study::trial`](crate::Study::trial) and [`Trial::refresh`](crate::Trial::refresh).
    pub measurements: Vec<Measurement>,
}

/// Metrics of a running trial at one step.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Measurement {
    /// The step, in the trial's own count.
    pub step: i64,
    /// What was measured.
    pub metrics: Metrics,
    /// When it was reported.
    pub report_time: Option<SystemTime>,
}

/// What the model believed about a configuration before it was run, in the objective's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// The expected value.
    pub mean: f64,
    /// How sure the model was.
    pub standard_deviation: f64,
    /// Log expected improvement, in units of the standardised objective.
    pub acquisition_value: f64,
}

/// A result that a correction replaced.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Amendment {
    /// When it was replaced.
    pub amend_time: Option<SystemTime>,
    /// The state before.
    pub previous_state: TrialState,
    /// The metrics before.
    pub previous_metrics: Metrics,
    /// Why the replaced result was no success.
    pub previous_reason: String,
    /// Why it was replaced.
    pub reason: String,
}

/// A result that came after another attempt's had been taken.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SupersededResult {
    /// When it came.
    pub tell_time: Option<SystemTime>,
    /// The state it would have led to.
    pub state: TrialState,
    /// Its metrics.
    pub metrics: Metrics,
    /// Why it was no success.
    pub reason: String,
}

impl From<v1::Trial> for TrialInfo {
    fn from(wire: v1::Trial) -> Self {
        Self {
            name: wire.name,
            number: wire.number,
            state: state(wire.state),
            params: Params::from_wire(wire.parameters),
            origin: Origin::from_wire(wire.origin).unwrap_or(Origin::Unknown),
            metrics: Metrics::from_wire(wire.metrics),
            reason: wire.reason,
            attempt: natural(wire.attempt),
            worker_id: wire.worker_id,
            create_time: time(wire.create_time),
            start_time: time(wire.start_time),
            finish_time: time(wire.finish_time),
            labels: wire.labels,
            annotations: wire.annotations,
            prediction: wire.prediction.map(Prediction::from),
            amendments: wire.amendments.into_iter().map(Amendment::from).collect(),
            superseded_results: wire.superseded_results.into_iter().map(SupersededResult::from).collect(),
            import_key: wire.import_key,
            measurement_count: natural(wire.measurement_count),
            measurements: wire.measurements.into_iter().map(Measurement::from).collect(),
        }
    }
}

fn state(wire: i32) -> TrialState {
    TrialState::from_wire(wire).unwrap_or(TrialState::Unknown)
}

impl From<v1::Measurement> for Measurement {
    fn from(wire: v1::Measurement) -> Self {
        Self { step: wire.step, metrics: Metrics::from_wire(wire.metrics), report_time: time(wire.report_time) }
    }
}

impl From<v1::Prediction> for Prediction {
    fn from(wire: v1::Prediction) -> Self {
        Self { mean: wire.mean, standard_deviation: wire.standard_deviation, acquisition_value: wire.acquisition_value }
    }
}

impl From<v1::Amendment> for Amendment {
    fn from(wire: v1::Amendment) -> Self {
        Self {
            amend_time: time(wire.amend_time),
            previous_state: state(wire.previous_state),
            previous_metrics: Metrics::from_wire(wire.previous_metrics),
            previous_reason: wire.previous_reason,
            reason: wire.reason,
        }
    }
}

impl From<v1::SupersededResult> for SupersededResult {
    fn from(wire: v1::SupersededResult) -> Self {
        Self {
            tell_time: time(wire.tell_time),
            state: state(wire.state),
            metrics: Metrics::from_wire(wire.metrics),
            reason: wire.reason,
        }
    }
}

/// The number at the end of a trial's name; 0 when there is none.
pub(crate) fn number(name: &str) -> i64 {
    name.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
