//! A study as a server told it.

use std::time::SystemTime;

use crate::enums::{FinishReason, StudyState};
use crate::spec::StudySpec;
use crate::spec_codec::{decode, natural, time};
use crate::v1;

/// A study as a server told it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StudyInfo {
    /// `projects/{project}/studies/{study}`.
    pub name: String,
    /// What it was created with, as changed since, with the defaults filled in.
    pub spec: StudySpec,
    /// Where it stands.
    pub state: StudyState,
    /// Why it is finished.
    pub finish_reason: Option<FinishReason>,
    /// How many trials are in which state.
    pub counts: TrialCounts,
    /// What is allowed and usually a mistake.
    pub warnings: Vec<StudyWarning>,
    /// When it was created.
    pub create_time: Option<SystemTime>,
    /// When the study itself, not its trials, last changed.
    pub update_time: Option<SystemTime>,
    /// When it became finished.
    pub finish_time: Option<SystemTime>,
    /// Changes with the specification or state.
    pub etag: String,
    /// Where [`Study::watch`](crate::Study::watch) goes on from to see only what comes after this reading.
    pub cursor: String,
    /// The number of configurations in the space; `None` = infinite, or more than 2^53.
    pub configuration_count: Option<i64>,
}

/// How many trials are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // the states are documented at TrialState
pub struct TrialCounts {
    pub queued: u32,
    pub running: u32,
    pub succeeded: u32,
    pub stopped: u32,
    pub failed: u32,
    pub infeasible: u32,
    pub cancelled: u32,
    pub abandoned: u32,
}

impl TrialCounts {
    /// Trials that no worker can work on any more.
    pub fn ended(&self) -> u32 {
        self.succeeded + self.stopped + self.failed + self.infeasible + self.cancelled + self.abandoned
    }

    /// All trials.
    pub fn total(&self) -> u32 {
        self.queued + self.running + self.ended()
    }
}

/// Something about a study that is allowed and usually a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StudyWarning {
    /// A name such as `GRID_EXCEEDS_BUDGET`.
    pub kind: String,
    /// A path from the study.
    pub field: String,
    /// A sentence for people.
    pub message: String,
}

impl From<v1::Study> for StudyInfo {
    fn from(mut wire: v1::Study) -> Self {
        let warnings = std::mem::take(&mut wire.warnings);
        let counts = wire.trial_counts.take().unwrap_or_default();
        Self {
            name: std::mem::take(&mut wire.name),
            state: StudyState::from_wire(wire.state).unwrap_or(StudyState::Unknown),
            finish_reason: FinishReason::from_wire(wire.finish_reason),
            counts: TrialCounts {
                queued: natural(counts.queued),
                running: natural(counts.running),
                succeeded: natural(counts.succeeded),
                stopped: natural(counts.stopped),
                failed: natural(counts.failed),
                infeasible: natural(counts.infeasible),
                cancelled: natural(counts.cancelled),
                abandoned: natural(counts.abandoned),
            },
            warnings: warnings.into_iter().map(StudyWarning::from).collect(),
            create_time: time(wire.create_time),
            update_time: time(wire.update_time),
            finish_time: time(wire.finish_time),
            etag: std::mem::take(&mut wire.etag),
            cursor: std::mem::take(&mut wire.cursor),
            configuration_count: wire.configuration_count,
            spec: decode(wire),
        }
    }
}

impl From<v1::StudyWarning> for StudyWarning {
    fn from(wire: v1::StudyWarning) -> Self {
        let kind = wire.kind().as_str_name().trim_start_matches("WARNING_KIND_").to_owned();
        Self { kind, field: wire.field, message: wire.message }
    }
}
